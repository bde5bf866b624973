import { describe, expect, it } from 'vitest';
import { createSampling } from '../../src/telemetry/sampling.ts';
import { type Env, readTraceSettings, type SamplerDefault } from '../../src/telemetry/trace-settings.ts';
import { producerContext } from './fixtures.ts';

const read = (env: Env, fallback: SamplerDefault = { kind: 'always' }) => readTraceSettings(env, fallback);
const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318/' };

describe('trace settings', () => {
  it('send to the endpoint of traces as it is, else to v1/traces below the common one', () => {
    expect(read(endpoint).url).toBe('http://collector:4318/v1/traces');
    expect(read({ ...endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://t/x' }).url).toBe('https://t/x');
  });

  it.each([
    ['nothing is set', {}],
    ['the endpoint is empty', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }],
    ['the exporter is none', { ...endpoint, OTEL_TRACES_EXPORTER: 'none' }],
    ['the SDK is disabled', { ...endpoint, OTEL_SDK_DISABLED: 'TRUE' }],
  ])('are off, without a word, when %s', (_title, env) => {
    expect(read(env)).toMatchObject({ url: null, problems: [] });
  });

  it('report what cannot be used and go on with the default', () => {
    const settings = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318',
      OTEL_TRACES_SAMPLER: 'xray',
      OTEL_BSP_MAX_QUEUE_SIZE: '-1',
      OTEL_BSP_SCHEDULE_DELAY: 'soon',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=secret%ZZ,nothing',
    });
    expect(settings).toMatchObject({ url: null, maxQueueSize: 2048, scheduleDelayMs: 1000, headers: {} });
    expect(settings.sampler).toEqual({ isParentBased: true, ratio: 1 });
    expect(settings.problems).toHaveLength(6);
    expect(settings.problems.join()).not.toContain('secret');
    expect(read({ ...endpoint, OTEL_TRACES_EXPORTER: 'zipkin', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toMatchObject({
      url: null,
    });
    expect(read({ ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }).problems).toHaveLength(1);
  });

  it('take headers, time-out, service name and resource from their variables', () => {
    expect(
      read({
        ...endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b, x-other = c=d',
        OTEL_EXPORTER_OTLP_TIMEOUT: '2000',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=other',
        OTEL_BSP_MAX_QUEUE_SIZE: '100',
      }),
    ).toMatchObject({
      headers: { 'x-key': 'a b', 'x-other': 'c=d' },
      timeoutMs: 2000,
      serviceName: 'other',
      resource: { 'deployment.environment.name': 'prod' },
      maxQueueSize: 100,
      maxBatchSize: 100,
      problems: [],
    });
    expect(read({ OTEL_SERVICE_NAME: 'mine', OTEL_RESOURCE_ATTRIBUTES: 'service.name=other' }).serviceName).toBe(
      'mine',
    );
  });

  it.each([
    [{}, { isParentBased: true, ratio: 0.25 }],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, { isParentBased: false, ratio: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, { isParentBased: false, ratio: 0 }],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_on' }, { isParentBased: true, ratio: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { isParentBased: true, ratio: 0 }],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' },
      { isParentBased: false, ratio: 0.5 },
    ],
    [
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
      { isParentBased: true, ratio: 0 },
    ],
    [
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '7' },
      { isParentBased: true, ratio: 1 },
    ],
  ])('read the sampler from %j', (env, sampler) => {
    expect(read(env as Env, { kind: 'ratio', ratio: 0.25 }).sampler).toEqual(sampler);
  });
});

describe('sampling', () => {
  const [sampled, unsampled] = [producerContext(1), producerContext(1, false)];

  it("keeps a parent's decision where it is parent-based, whatever the ratio", () => {
    for (const ratio of [0, 0.5, 1]) {
      const sampling = createSampling({ isParentBased: true, ratio });
      expect([sampling.isSampled(sampled), sampling.isSampled(unsampled)]).toEqual([true, false]);
    }
  });

  it('asks no parent where it is not', () => {
    expect(createSampling({ isParentBased: false, ratio: 1 }).isSampled(unsampled)).toBe(true);
    expect(createSampling({ isParentBased: false, ratio: 0 }).isSampled(sampled)).toBe(false);
    const half = createSampling({ isParentBased: false, ratio: 0.5 });
    expect(half.isSampled({ ...sampled, traceId: `${'0'.repeat(18)}ffffffffffffff` })).toBe(true);
    expect(half.isSampled({ ...sampled, traceId: `${'f'.repeat(18)}00000000000001` })).toBe(false);
  });

  it('samples about the ratio of new roots', () => {
    const sampling = createSampling({ isParentBased: true, ratio: 0.1 });
    const hits = Array.from({ length: 20_000 }, () => sampling.isSampled(null)).filter(Boolean).length;
    expect(hits).toBeGreaterThan(1_700);
    expect(hits).toBeLessThan(2_300);
    expect(createSampling({ isParentBased: true, ratio: 0 }).isSampled(null)).toBe(false);
    expect(createSampling({ isParentBased: true, ratio: 1 }).isSampled(null)).toBe(true);
  });
});
