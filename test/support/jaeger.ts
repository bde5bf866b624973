import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { buildJaeger, builtJaeger } from '../../dev/jaeger/binary.ts';
import { type Jaeger, startJaeger, untilAnswers } from '../../dev/jaeger/server.ts';
import { freePorts } from '../../dev/kafka/ports.ts';
import { hasDocker } from './kafka-docker.ts';

/** Where spans go and traces are read. */
export type TestJaeger = Pick<Jaeger, 'otlpUrl' | 'queryUrl' | 'stop'>;

const exec = promisify(execFile);
/** The image of the same release: images count from 2, the Go module still from 1. */
const image = 'jaegertracing/jaeger:2.13.0';

/** `CARILLON_TEST_JAEGER=<OTLP base URL>,<query base URL>`. */
const given = (addresses: string): TestJaeger => {
  const [otlpUrl, queryUrl] = addresses.split(',');
  if (!otlpUrl || !queryUrl)
    throw new Error('CARILLON_TEST_JAEGER is not two URLs: set http://host:4318,http://host:16686');
  return { otlpUrl, queryUrl, stop: async () => {} };
};

const startDockerJaeger = async (): Promise<TestJaeger> => {
  const [otlp = 0, query = 0] = await freePorts(2);
  const publish = ['-p', `127.0.0.1:${otlp}:4318`, '-p', `127.0.0.1:${query}:16686`];
  const { stdout } = await exec('docker', ['run', '-d', '--rm', ...publish, image]);
  const stop = async (): Promise<void> => {
    await exec('docker', ['rm', '-f', stdout.trim()]).catch(() => {});
  };
  const queryUrl = `http://127.0.0.1:${query}`;
  await untilAnswers(`${queryUrl}/api/services`).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { otlpUrl: `http://127.0.0.1:${otlp}`, queryUrl, stop };
};

/**
 * A real Jaeger: given by `CARILLON_TEST_JAEGER`, else from Docker, else the program that was built into the cache.
 * - Null where none is to be had without a build of minutes.
 * - With `CARILLON_REQUIRE_JAEGER=1` it is built then, and what fails throws.
 */
export const startTestJaeger = async (): Promise<TestJaeger | null> => {
  const addresses = process.env['CARILLON_TEST_JAEGER'];
  if (addresses !== undefined && addresses !== '') return given(addresses);
  const fromDocker = (await hasDocker()) ? await startDockerJaeger().catch(() => null) : null;
  if (fromDocker !== null) return fromDocker;
  const binary = process.env['CARILLON_REQUIRE_JAEGER'] === '1' ? await buildJaeger() : builtJaeger();
  return binary === null ? null : startJaeger(binary);
};
