import { run } from './run.ts';

/**
 * Makes the types of resolvers and documents from the schema (`codegen.ts` says what). `--check` writes nothing and fails when
 * what is committed is stale.
 */
const isCheck = process.argv.includes('--check');
const { code, output } = await run('graphql-codegen', ['--config', 'codegen.ts', ...(isCheck ? ['--check'] : [])]);
if (code !== 0 || !isCheck) console.log(output.trimEnd());
if (code !== 0 && isCheck) console.log('generated code is stale, or cannot be made: run npm run codegen');
process.exitCode = code;
