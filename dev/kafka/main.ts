import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { startKafka } from './cluster.ts';
import { freePorts } from './ports.ts';

/** `npm run dev:kafka`: a real Kafka for a person, kept in `.kafka-dev/` until `--fresh`. Ctrl-C stops it. */

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1' },
    port: { type: 'string', default: '9092' },
    dir: { type: 'string', default: '.kafka-dev' },
    fresh: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const usage = `usage: npm run dev:kafka -- [--nodes 3] [--port 9092] [--dir .kafka-dev] [--fresh]`;

const nodeCount = async (): Promise<number> => {
  const state = `${values.dir}/cluster.json`;
  if (!existsSync(state)) return Number(values.nodes);
  return (JSON.parse(await readFile(state, 'utf8')) as { ports: unknown[] }).ports.length;
};

const run = async (): Promise<void> => {
  if (values.fresh) await rm(values.dir, { recursive: true, force: true });
  const nodes = await nodeCount();
  if (nodes !== Number(values.nodes)) {
    console.log(`${values.dir} holds a cluster of ${nodes}: it is started again; --fresh begins anew`);
  }
  const rest = await freePorts(nodes - 1);
  console.log('starting kafka 4.4.0; the first time resolves 45 MB of jars by maven (about 30 s)');
  const cluster = await startKafka({ nodes, dir: values.dir, ports: [Number(values.port), ...rest] });
  const brokers = cluster.brokers.join(',');
  console.log(`kafka is ready at ${brokers} (${nodes === 1 ? 'one node' : `${nodes} nodes`}, data in ${values.dir})`);
  console.log('\nnext, in another terminal:\n');
  console.log(`  CARILLON_KAFKA_BROKERS=${brokers} npx carillon topics apply`);
  console.log(`  CARILLON_KAFKA_BROKERS=${brokers} npm start\n`);
  console.log('Ctrl-C stops it; the data stays');

  let isStopping = false;
  const stop = async (code: number): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    await cluster.stop();
    process.exit(code);
  };
  process.on('SIGINT', () => void stop(0));
  process.on('SIGTERM', () => void stop(0));
  await Promise.race(cluster.nodes.map((node) => node.exited()));
  if (!isStopping) console.error(`a node ended by itself: see ${values.dir}/node*.log`);
  await stop(1);
};

if (values.help) console.log(usage);
else {
  await run().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  });
}
