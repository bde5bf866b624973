import { describe, expect, it } from 'vitest';
import { judge } from '../../dev/walls/judge.ts';
import { parseSource, type SourceFile } from '../../dev/walls/source-file.ts';

const importing = (path: string, specifier: string): SourceFile =>
  parseSource(path, `import { thing } from '${specifier}';\n`);

describe('walls between rooms', () => {
  it.each([
    ['src/event.ts', './log/event-log.ts', 'vocabulary may not import'],
    ['src/telemetry/facade.ts', './spans.ts', 'vocabulary may not import'],
    ['src/config.ts', './kafka/index.ts', 'config may not import'],
    ['src/log/embedded.ts', '../kafka/index.ts', 'log may not import'],
    ['src/log/embedded.ts', '../graphql/schema/index.ts', 'log may not import'],
    ['src/kafka/reader.ts', '../actors/index.ts', 'kafka may not import'],
    ['src/kafka/reader.ts', '../log/embedded.ts', 'kafka may not import'],
    ['src/kafka/reader.ts', '../config.ts', 'kafka may not import'],
    ['src/actors/router.ts', '../kafka/index.ts', 'actors may not import'],
    ['src/actors/router.ts', '../graphql/index.ts', 'actors may not import'],
    ['src/graphql/socket.ts', '../actors/router.ts', 'export it from src/actors/index.ts'],
    ['src/graphql/socket.ts', '../kafka/index.ts', 'graphql may not import'],
    ['src/identity/verifier.ts', '../graphql/index.ts', 'identity may not import'],
    ['src/telemetry/spans.ts', '../actors/index.ts', 'telemetry may not import'],
    ['src/gateway.ts', './actors/router.ts', 'front door'],
    ['src/main.ts', './kafka/index.ts', 'join parts in src/gateway.ts'],
    ['src/cli/main.ts', '../kafka/doctor.ts', 'front door'],
    ['client/resume.ts', '../src/event.ts', 'nothing of the server'],
  ])('%s may not import %s', (path, specifier, message) => {
    expect(judge([importing(path, specifier)])).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    ['src/cursor.ts', './event.ts'],
    ['src/config/parse.ts', '../errors.ts'],
    ['src/kafka/reader.ts', '../log/event-log.ts'],
    ['src/kafka/reader.ts', '../telemetry/logger.ts'],
    ['src/actors/router.ts', '../telemetry/facade.ts'],
    ['src/actors/router.ts', './ring.ts'],
    ['src/graphql/socket.ts', '../actors/session.ts'],
    ['src/graphql/schema/index.ts', '../../log/record-codec.ts'],
    ['src/gateway.ts', './kafka/index.ts'],
    ['src/main.ts', './gateway.ts'],
    ['src/cli/token.ts', '../identity/index.ts'],
    ['test/actors/router.test.ts', '../../src/actors/router.ts'],
  ])('%s may import %s', (path, specifier) => {
    expect(judge([importing(path, specifier)])).toEqual([]);
  });
});

describe('homes of packages', () => {
  it.each([
    ['src/log/embedded.ts', 'kafkajs', 'EventLog port'],
    ['src/actors/router.ts', 'graphql', 'let it render'],
    ['src/gateway.ts', 'ws', 'let it render'],
    ['src/kafka/reader.ts', 'graphql-ws', 'front door'],
    ['src/actors/router.ts', 'xstate', 'runner'],
    ['src/kafka/reader.ts', 'node:sqlite', 'EventLog port'],
    ['src/kafka/reader.ts', '@opentelemetry/api', 'facade'],
    ['src/graphql/socket.ts', 'jose', 'src/identity/index.ts'],
    ['client/resume.ts', 'node:fs', 'browsers'],
    ['src/log/embedded.ts', 'left-pad', 'has no home'],
  ])('%s may not import %s', (path, specifier, message) => {
    expect(judge([importing(path, specifier)])).toEqual([expect.stringContaining(message)]);
  });

  it.each([
    ['src/kafka/reader.ts', 'kafkajs'],
    ['src/graphql/socket.ts', 'graphql-ws'],
    ['src/actors/session.machine.ts', 'xstate'],
    ['src/actors/machine-runner.ts', 'xstate'],
    ['src/log/embedded-worker.ts', 'node:sqlite'],
    ['src/telemetry/setup.ts', '@opentelemetry/sdk-trace'],
    ['src/cli/tail.ts', 'graphql-ws'],
  ])('%s may import %s', (path, specifier) => {
    expect(judge([importing(path, specifier)])).toEqual([]);
  });
});

describe('imports of every shape', () => {
  it.each([
    ["import {\n  a,\n  type B,\n} from 'kafkajs';\n", 1],
    ["import type { A } from 'kafkajs';\n", 1],
    ["import 'kafkajs';\n", 1],
    ["export { a } from 'kafkajs';\n", 1],
    ["export type { A } from 'kafkajs';\n", 1],
    ["const a = await import('kafkajs');\n", 1],
    ["\nconst later = () => import('kafkajs');\n", 2],
    ["import * as all from 'kafkajs';\n", 1],
  ])('%j is seen', (text, line) => {
    expect(judge([parseSource('src/log/embedded.ts', text)])).toEqual([
      expect.stringMatching(new RegExp(`^src/log/embedded.ts:${line}: kafkajs`)),
    ]);
  });
});

describe('files', () => {
  it('have at most 400 lines', () => {
    expect(judge([parseSource('src/event.ts', 'x;\n'.repeat(400))])).toEqual([]);
    expect(judge([parseSource('src/event.ts', 'x;\n'.repeat(401))])).toEqual([expect.stringContaining('401 lines')]);
  });

  it.each(['src/kafka/utils.ts', 'src/kafka/types.ts', 'test/support/helpers.ts', 'src/kafka/Reader.ts'])(
    'are not called %s',
    (path) => {
      expect(judge([parseSource(path, '')])).toHaveLength(1);
    },
  );

  it('form no cycle', () => {
    const a = importing('src/log/a.ts', './b.ts');
    const b = importing('src/log/b.ts', './c.ts');
    const c = importing('src/log/c.ts', './a.ts');
    expect(judge([c, a, b])).toEqual([
      expect.stringMatching(/^src\/log\/a\.ts -> src\/log\/b\.ts -> src\/log\/c\.ts -> src\/log\/a\.ts:/),
    ]);
  });

  it('leave the process to main and the command line', () => {
    const text = 'export const home = process.env.HOME;\n';
    expect(judge([parseSource('src/log/embedded.ts', text)])).toEqual([expect.stringContaining('process.env')]);
    expect(judge([parseSource('src/cli/main.ts', text), parseSource('src/main.ts', text)])).toEqual([]);
  });

  it('name what they export', () => {
    expect(judge([parseSource('src/log/index.ts', "export * from './embedded.ts';\n")])).toHaveLength(1);
  });
});
