import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { judgeCompose, judgeDockerfile } from '../../dev/compose/judge.ts';
import { startFlags } from '../support/gateway.ts';

const judge = (text: string, files: readonly string[] = []): string[] =>
  judgeCompose(text, { env: {}, exists: (path) => files.includes(path) });

const service = (lines: string): string => `services:\n  a:\n    image: a:1\n${lines}`;

describe('judgeCompose', () => {
  it.each([
    ['services: [', 'flow'],
    [service('    depends_on: { b: { condition: service_started } }\n'), 'a depends on b, which is not a service'],
    [
      service('    depends_on: { b: { condition: service_healthy } }\n  b: { image: "b:1" }\n'),
      'a waits until b is healthy, but that has no health check',
    ],
    [service('    volumes: ["./none.cfg:/etc/none"]\n'), 'a mounts ./none.cfg, which does not exist'],
    [service('    volumes: ["data:/data"]\n'), 'a mounts data, which does not exist'],
    [service('    build: { context: ., dockerfile: deploy/None }\n'), 'a is built from deploy/None'],
    [service('    ports: ["4000:4000"]\n'), 'a opens 4000:4000 to the network'],
    ['services: { a: { image: nginx } }', 'a has image nginx: name a version'],
    ['services: { a: { image: "nginx:latest" } }', 'name a version'],
    [service('    environment: { CARILLON_LOG: kafka }\n'), 'CARILLON_KAFKA_BROKERS is not set'],
    [service('    environment: { CARILLON_KAFKA_BROKER: "a:1" }\n'), 'did you mean CARILLON_KAFKA_BROKERS?'],
    [service(`    environment: { CARILLON_PORT: "\${PORT:-http}" }\n`), 'CARILLON_PORT is http'],
  ])('finds what is wrong in %j', (text, problem) => {
    expect(judge(text).join('\n').toLowerCase()).toContain(problem.toLowerCase());
  });

  it('follows merges and takes what is right', () => {
    const text = `x-base: &base { image: "a:1", healthcheck: { test: ["CMD", "true"] } }
services:
  a: { <<: *base, volumes: ["data:/data", "./x.cfg:/x"], ports: ["127.0.0.1:1:1"] }
  b: { image: "b:1", depends_on: { a: { condition: service_healthy } }, environment: { CARILLON_JWT_SECRET: "\${S:?set it}", CARILLON_LOG: embedded } }
volumes: { data: }
`;
    expect(judge(text, ['./x.cfg'])).toEqual([]);
  });
});

describe('judgeDockerfile', () => {
  it('finds a source that is missing or ignored', () => {
    const problems = judgeDockerfile('COPY src web ./\nCOPY --from=x /a ./a\n', '*\n!src\n', {
      exists: (p) => p !== 'no',
    });
    expect(problems).toEqual(['the Dockerfile copies web, which .dockerignore keeps out']);
    expect(judgeDockerfile('COPY no ./\n', '*\n!no\n', { exists: () => false })).toHaveLength(1);
  });
});

describe('the image', () => {
  it('gives Node the flags of npm start', async () => {
    const dockerfile = await readFile('deploy/Dockerfile', 'utf8');
    const command = /^CMD (\[.+\])$/m.exec(dockerfile)?.[1] ?? '[]';
    expect(startFlags.length).toBeGreaterThan(0);
    expect(JSON.parse(command)).toEqual(['node', ...startFlags, 'src/main.ts']);
  });
});
