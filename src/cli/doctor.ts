import { styleText } from 'node:util';
import { type Finding, type FindingLevel, runDoctor } from '../kafka/index.ts';
import { type Command, exitCodes, type Terminal } from './command.ts';
import { kafkaDeps, readKafkaSettings } from './kafka-settings.ts';

const colors: Readonly<Record<FindingLevel, 'green' | 'dim' | 'yellow' | 'red'>> = {
  ok: 'green',
  info: 'dim',
  warning: 'yellow',
  error: 'red',
};

const tell = ({ level, subject, message, fix }: Finding, terminal: Terminal): void => {
  const label = level.padEnd(7);
  const shown = terminal.hasColors ? styleText(colors[level], label, { validateStream: false }) : label;
  terminal.print(`${shown}  ${subject}: ${message}`);
  if (fix !== null) terminal.print(`${' '.repeat(9)}-> ${fix}`);
};

/** `carillon doctor`: what is wrong with the way to Kafka, and what to do about it. */
export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'look at everything that a gateway needs of Kafka; exits 1 where something does not work',
  usage: '',
  positionals: { min: 0, max: 0 },
  flags: { json: { type: 'boolean', help: 'print the findings as JSON' } },
  examples: [['CARILLON_KAFKA_BROKERS=localhost:9092 npx carillon doctor', 'brokers, topics, rights, copies, clocks']],
  async run(given, terminal) {
    const { connection, topics } = readKafkaSettings(terminal);
    const findings = await runDoctor(connection, topics, kafkaDeps(terminal));
    if (given.has('json')) terminal.print(JSON.stringify(findings));
    else for (const finding of findings) tell(finding, terminal);
    return findings.some(({ level }) => level === 'error') ? exitCodes.failed : exitCodes.ok;
  },
};
