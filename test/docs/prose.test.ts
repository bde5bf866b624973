import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { variableNames } from '../../src/config/variables.ts';
import { catalogue } from '../../src/errors.ts';
import { closeOf, violations } from '../../src/graphql/close-codes.ts';
import { defaultGraphqlLimits } from '../../src/graphql/options.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root });
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');
const protocol = textOf('docs/protocol.md');

describe.each(pages)('%s', (page) => {
  const text = textOf(page);

  it('links to files that exist', () => {
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map((match) => match[1] ?? '');
    expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([]);
  });

  it('names files of the project that exist', () => {
    const names = [...text.matchAll(/`((?:src|test|dev|docs|deploy|examples|schema)\/[\w./-]+)`/g)].map(
      (match) => match[1] ?? '',
    );
    expect(names.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });

  it('names scripts and settings that exist', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
    const settings = [...text.matchAll(/CARILLON_[A-Z_]+[A-Z]/g)].map(([name]) => name);
    const known: readonly string[] = variableNames;
    expect(settings.filter((name) => !known.includes(name) && !/^CARILLON_(TEST|REQUIRE|CACHE)/.test(name))).toEqual(
      [],
    );
  });
});

describe('docs/protocol.md', () => {
  it('explains every close code that the gateway sends', () => {
    const reasons = [
      'init_timeout',
      'init_repeated',
      'token_refused',
      'overloaded',
      'draining',
      'protocol_violation',
    ] as const;
    const codes = [
      ...reasons.map((reason) => closeOf(reason).code),
      violations.unauthorized.code,
      violations.wrongSubprotocol.code,
      violations.idTaken('1').code,
      violations.tooManyMessages.code,
    ];
    for (const code of codes) expect(protocol).toContain(`| ${code} |`);
  });

  it('explains every error code, and says of each whether to try again', () => {
    for (const [code, { retryable }] of Object.entries(catalogue)) {
      if (code === 'CONFIG_INVALID' || code === 'ALREADY_LOCKED' || code === 'INTERNAL_SERVER_ERROR') continue;
      expect(protocol).toContain(`| \`${code}\` | ${retryable ? 'yes' : 'no'} |`);
    }
  });

  it('states the limits that hold', () => {
    const { documents, maxFrameBytes, messages, maxOperations } = defaultGraphqlLimits;
    const { maxTokens, maxDepth, maxAliases, maxRootFields, maxDirectives, maxFields } = documents;
    const number = (value: number): string => value.toLocaleString('en-US');
    expect(protocol).toContain(`| WebSocket frame to the server | ${maxFrameBytes / 1024} KiB |`);
    expect(protocol).toContain(`| ${messages.perSecond} a second per socket, ${messages.burst} at once |`);
    expect(protocol).toContain(`| ${maxOperations} at once per socket |`);
    expect(protocol).toContain(
      `${number(maxTokens)} tokens, ${maxDepth} levels, ${maxAliases} aliases, ${maxRootFields} root fields, ${maxDirectives} directives, ${number(maxFields)} fields`,
    );
  });
});
