import type { Admin } from 'kafkajs';
import type { Clock } from '../clock.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ClientSettings } from './client.ts';
import { createProducerClient } from './producer-client.ts';
import { connectionTrouble } from './send-failure.ts';

/** What administration needs of its surroundings. */
export type AdminDeps = { readonly clock: Clock; readonly logger: Logger };

const connectTimeoutMs = 10_000;

/**
 * Connects as an administrator for the length of `work`. Rejects with LOG_UNAVAILABLE, naming what to do where that is known,
 * when no broker lets us in within 10 s or `work` rejects; a GatewayError of `work` is passed on.
 */
export const withAdmin = async <Result>(
  settings: ClientSettings,
  { clock, logger }: AdminDeps,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> => {
  const client = createProducerClient(settings, { clock, logger });
  const late = Promise.withResolvers<never>();
  const timer = clock.after(connectTimeoutMs, () => late.reject(client.complaint ?? new Error('no answer')));
  const admin = client.kafka.admin();
  try {
    await Promise.race([admin.connect(), client.hopeless, late.promise]);
    timer.cancel();
    return await work(admin);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    const where = `kafka at ${settings.brokers.join(', ')}`;
    throw new GatewayError('LOG_UNAVAILABLE', `${where}: ${connectionTrouble(cause)}`, { cause });
  } finally {
    timer.cancel();
    client.destroy();
  }
};
