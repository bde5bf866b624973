import { globSync, readFileSync } from 'node:fs';
import { posix, sep } from 'node:path';

/** One import, re-export or dynamic import of a file. */
export type Import = {
  readonly line: number;
  /** As written. */
  readonly specifier: string;
  /** The project path it leads to; null for packages. */
  readonly target: string | null;
};

/** A source file as the walls see it. */
export type SourceFile = {
  /** Relative to the project, with `/`. */
  readonly path: string;
  readonly lineCount: number;
  readonly text: string;
  readonly imports: readonly Import[];
};

/** The formatter keeps imports uniform, so that these patterns are enough: statement with `from`, bare import, dynamic import. */
const importPattern =
  /^(?:import|export)\b(?:[^'";]|type)*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)|new URL\('(\.[^']+\.ts)', import\.meta\.url\)/gm;

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** Reads the imports of `text` as the file `path`. */
export const parseSource = (path: string, text: string): SourceFile => {
  const imports = [...text.matchAll(importPattern)].map((match) => {
    const specifier = match.slice(1).find((group) => group !== undefined) ?? '';
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : null;
    return { line: lineOf(text, match.index), specifier, target };
  });
  return { path, text, lineCount: text.replace(/\n$/, '').split('\n').length, imports };
};

const folders = ['src', 'client', 'dev', 'test', 'bench', 'examples'];

/** Every TypeScript file of the project that a person wrote. */
export const readSources = (root: string): SourceFile[] =>
  globSync(
    folders.map((folder) => `${folder}/**/*.ts`),
    { cwd: root, exclude: ['**/__generated__/**', '**/node_modules/**'] },
  )
    .map((path) => path.split(sep).join('/'))
    .sort()
    .map((path) => parseSource(path, readFileSync(`${root}/${path}`, 'utf8')));
