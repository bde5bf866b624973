import { parseArgs } from 'node:util';
import { buildJaeger, builtJaeger, jaegerVersion } from './binary.ts';
import { readTrace, recentTraces } from './query.ts';
import { startJaeger } from './server.ts';
import { drawTrees, spanTrees } from './span-tree.ts';

/** `npm run dev:jaeger`: a real Jaeger for a person, traces in memory. With `trace`, shows one or the newest in the terminal. */

const usage = `usage: npm run dev:jaeger -- [--otlp-port 4318] [--query-port 16686]     start Jaeger
       npm run dev:jaeger -- trace [<id>] [--query-port 16686]          draw a trace; without an id list the newest
       npm run dev:jaeger -- build                                      only build it into the cache`;

const defaultQueryPort = '16686';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'otlp-port': { type: 'string', default: '4318' },
    'query-port': { type: 'string', default: defaultQueryPort },
    service: { type: 'string', default: 'carillon' },
    help: { type: 'boolean', default: false },
  },
});

const queryUrl = `http://127.0.0.1:${values['query-port']}`;

const showTrace = async (traceId: string | undefined): Promise<void> => {
  if (traceId === undefined) {
    const traces = await recentTraces(queryUrl, values.service);
    for (const trace of traces) console.log(`${trace.traceId}  ${trace.name}  ${trace.spans} spans`);
    if (traces.length === 0) console.log(`no traces of ${values.service} yet`);
    return;
  }
  const spans = await readTrace(queryUrl, traceId);
  if (spans.length === 0)
    throw new Error(`jaeger has no trace ${traceId} (spans arrive a second or two after they end)`);
  console.log(drawTrees(spanTrees(spans)));
};

const build = async (): Promise<string> => {
  if (builtJaeger() === null)
    console.log(`building jaeger ${jaegerVersion} from its published module, once: about 7 minutes`);
  return buildJaeger();
};

const start = async (): Promise<void> => {
  const ports = { otlp: Number(values['otlp-port']), query: Number(values['query-port']) };
  const jaeger = await startJaeger(await build(), ports);
  console.log(`jaeger ${jaegerVersion} is ready, traces in memory\n`);
  console.log(`  spans in     ${jaeger.otlpUrl}/v1/traces`);
  console.log(
    `  traces out   ${jaeger.queryUrl}/api/v3/traces/<trace id>   (the module has no UI; the Docker image has)\n`,
  );
  console.log('next, in another terminal:\n');
  console.log(`  OTEL_EXPORTER_OTLP_ENDPOINT=${jaeger.otlpUrl} npm start`);
  const port = values['query-port'] === defaultQueryPort ? '' : ` --query-port ${values['query-port']}`;
  console.log(`  npm run dev:jaeger -- trace${port}            list the newest traces`);
  console.log(`  npm run dev:jaeger -- trace <id>${port}       draw one\n`);
  console.log('Ctrl-C stops it');
  const stop = (): void => void jaeger.stop();
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  await jaeger.exited;
};

const run = (): Promise<void> => {
  const [command, traceId, ...rest] = positionals;
  if (command === undefined) return start();
  if (command === 'trace' && rest.length === 0) return showTrace(traceId);
  if (command === 'build' && traceId === undefined) return build().then((path) => console.log(path));
  return Promise.reject(new Error(usage));
};

if (values.help) console.log(usage);
else {
  await run().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
}
