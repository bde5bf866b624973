import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../run.ts';
import { judgeCompose, judgeDockerfile } from './judge.ts';

/** Judges docker-compose.yml and deploy/Dockerfile without Docker. */
const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');
const exists = (path: string): boolean => existsSync(join(projectRoot, path));

const problems = [
  ...judgeCompose(read('docker-compose.yml'), { env: {}, exists }),
  ...judgeDockerfile(read('deploy/Dockerfile'), read('.dockerignore'), { exists }),
];
for (const problem of problems) console.log(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
