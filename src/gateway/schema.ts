import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import { GatewayError } from '../errors.ts';
import { type EventSchema, loadEventSchema } from '../graphql/schema/index.ts';
import type { Logger } from '../telemetry/logger.ts';

/** The gateway's schema at start: read, checked against the configuration, and compared with what the last start had. */

const ownSchema = fileURLToPath(new URL('../../schema/', import.meta.url));
const exampleEvents = fileURLToPath(new URL('../../schema/events/', import.meta.url));

const snapshotOf = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

/** Says what breaks for records and clients since the last start on this data folder; the folder may be read-only or new. */
const compareWithLast = (events: EventSchema, dataDir: string, logger: Logger): void => {
  const path = join(dataDir, 'schema.graphql');
  const last = snapshotOf(path);
  if (last === events.sdl) return;
  for (const change of last === null ? [] : events.compareWithSnapshot(last))
    logger.warn('the schema breaks with what this node had at its last start', { change });
  try {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(path, events.sdl);
  } catch (cause) {
    logger.info('the schema is not kept for comparison', { error: String(cause) });
  }
};

/** Reads the schema. Throws CONFIG_INVALID with every problem, file and line, or where the default type is not one of its events. */
export const loadGatewaySchema = (config: Config, logger: Logger): EventSchema => {
  const events = loadEventSchema({ schemaDir: ownSchema, eventsDir: config.events.dir ?? exampleEvents });
  const { defaultType } = config.events;
  if (!events.events.some(({ type }) => type === defaultType)) {
    const known = events.events.map(({ type }) => type).join(', ');
    throw new GatewayError(
      'CONFIG_INVALID',
      `CARILLON_KAFKA_DEFAULT_TYPE is ${defaultType}, which no event type has: set one of ${known}`,
    );
  }
  // Workers have one schema and one folder for it: the first of them speaks for all.
  if (config.worker === null || config.worker === 0) compareWithLast(events, config.log.dataDir, logger);
  return events;
};
