import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EventSchema, loadEventSchema } from '../../../src/graphql/schema/index.ts';

/** The schema that the gateway ships with, examples included. */
export const shippedSchema = (): EventSchema => loadEventSchema({ schemaDir: 'schema', eventsDir: 'schema/events' });

/** The gateway's own SDL with event types from `sdl` instead of the shipped ones, in a folder that is gone afterwards. */
export const schemaWith = (sdl: string): EventSchema => {
  const eventsDir = mkdtempSync(join(tmpdir(), 'carillon-events-'));
  try {
    writeFileSync(join(eventsDir, 'events.graphql'), sdl);
    return loadEventSchema({ schemaDir: 'schema', eventsDir });
  } finally {
    rmSync(eventsDir, { recursive: true });
  }
};

/** The message that refuses `sdl`. */
export const refusalOf = (sdl: string): string => {
  try {
    schemaWith(sdl);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return 'not refused';
};
