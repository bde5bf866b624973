import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { variableNames } from '../../src/config/variables.ts';
import { catalogue } from '../../src/errors.ts';

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
    const settings = [...text.matchAll(/CARILLON_[A-Z_]+[A-Z](?![A-Z_]*\*)/g)].map(([name]) => name);
    const known: readonly string[] = variableNames;
    expect(settings.filter((name) => !known.includes(name) && !/^CARILLON_(TEST|REQUIRE|CACHE)/.test(name))).toEqual(
      [],
    );
  });
});

describe('docs/protocol.md', () => {
  it('explains every error code, and says of each whether to try again', () => {
    for (const [code, { retryable }] of Object.entries(catalogue)) {
      if (code === 'CONFIG_INVALID' || code === 'ALREADY_LOCKED' || code === 'INTERNAL_SERVER_ERROR') continue;
      expect(protocol).toContain(`| \`${code}\` | ${retryable ? 'yes' : 'no'} |`);
    }
  });
});
