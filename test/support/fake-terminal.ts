import type { Terminal } from '../../src/cli/command.ts';
import { runCommandLine } from '../../src/cli/run-command-line.ts';

/** What one command line printed, and its exit code. */
export type Spoken = { readonly code: number; readonly printed: readonly string[]; readonly said: readonly string[] };

/** Runs a command line in this process. */
export const speak = async (
  args: readonly string[],
  given: { env?: Readonly<Record<string, string>>; stdin?: string } = {},
): Promise<Spoken> => {
  const printed: string[] = [];
  const said: string[] = [];
  const terminal: Terminal = {
    env: given.env ?? {},
    print: (line) => void printed.push(line),
    say: (line) => void said.push(line),
    hasColors: false,
    readStdin: () => Promise.resolve(given.stdin ?? ''),
    signal: new AbortController().signal,
  };
  return { code: await runCommandLine(args, terminal), printed, said };
};
