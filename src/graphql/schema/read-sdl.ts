import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DefinitionNode, GraphQLError, getLocation, type Location, parse, Source } from 'graphql';
import { GatewayError } from '../../errors.ts';

/** Collects what is wrong with the SDL, so that everything is told at once. */
export class SdlProblems {
  readonly #sentences: string[] = [];

  /** Notes a problem, with file and line where there is a place. */
  add(loc: Location | undefined, message: string): void {
    this.#sentences.push(`${placeOf(loc)}${message}`);
  }

  /** Notes what graphql-js found, at the first place that it names. */
  addError(error: GraphQLError): void {
    this.add(error.nodes?.find((node) => node.loc !== undefined)?.loc, error.message);
  }

  /** Throws CONFIG_INVALID with one line per problem; does nothing when there is none. */
  throwIfAny(): void {
    if (this.#sentences.length === 0) return;
    throw new GatewayError('CONFIG_INVALID', `the schema cannot be used:\n  ${this.#sentences.join('\n  ')}`);
  }
}

const placeOf = (loc: Location | undefined): string =>
  loc === undefined ? '' : `${loc.source.name}:${getLocation(loc.source, loc.start).line}: `;

const sdlFiles = (folder: string, problems: SdlProblems): string[] => {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.graphql'));
    if (names.length === 0) problems.add(undefined, `${folder} has no .graphql file: set CARILLON_EVENTS_DIR`);
    return names.sort().map((name) => join(folder, name));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    problems.add(undefined, `the folder ${folder} cannot be read (${reason}): set CARILLON_EVENTS_DIR`);
    return [];
  }
};

const parseFile = (file: string, problems: SdlProblems): readonly DefinitionNode[] => {
  try {
    return parse(new Source(readFileSync(file, 'utf8'), file)).definitions;
  } catch (cause) {
    if (!(cause instanceof GraphQLError)) throw cause;
    const line = cause.locations?.[0]?.line;
    problems.add(undefined, `${file}:${line ?? 1}: ${cause.message}`);
    return [];
  }
};

/** All definitions of a folder's `.graphql` files, in order of file name; not of folders below it. */
export const readDefinitions = (folder: string, problems: SdlProblems): readonly DefinitionNode[] =>
  sdlFiles(folder, problems).flatMap((file) => parseFile(file, problems));
