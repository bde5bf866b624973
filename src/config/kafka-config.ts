import type { Settings } from './settings.ts';

/** How to reach Kafka. Certificates and keys are PEM texts. */
export type KafkaConnectionConfig = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: null | { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
  readonly sasl: KafkaSaslConfig | null;
};

export type KafkaSaslConfig =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | {
      readonly mechanism: 'oauthbearer';
      readonly tokenUrl: string;
      readonly clientId: string;
      readonly clientSecret: string;
      readonly scope: string | null;
    };

/** What the rules need beside the values: the files, and where problems go. */
export type RuleContext = {
  readonly readFile: (path: string) => string;
  readonly problems: string[];
};

type FileName = 'CARILLON_KAFKA_CA_FILE' | 'CARILLON_KAFKA_CERT_FILE' | 'CARILLON_KAFKA_KEY_FILE';

const readPem = (settings: Settings, name: FileName, context: RuleContext): string | null => {
  const path = settings[name];
  if (path === null) return null;
  try {
    const pem = context.readFile(path);
    if (pem.includes('-----BEGIN ')) return pem;
    context.problems.push(`${name} is ${path}, which holds no PEM text: convert it (openssl x509 -in … -outform pem)`);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    context.problems.push(`${name} cannot be read (${why}): set the path of a PEM file`);
  }
  return null;
};

const readSsl = (settings: Settings, context: RuleContext): KafkaConnectionConfig['ssl'] => {
  const { problems } = context;
  const ca = readPem(settings, 'CARILLON_KAFKA_CA_FILE', context);
  const cert = readPem(settings, 'CARILLON_KAFKA_CERT_FILE', context);
  const key = readPem(settings, 'CARILLON_KAFKA_KEY_FILE', context);
  const { CARILLON_KAFKA_CERT_FILE: certFile, CARILLON_KAFKA_KEY_FILE: keyFile } = settings;
  if ((certFile === null) !== (keyFile === null))
    problems.push('CARILLON_KAFKA_CERT_FILE and CARILLON_KAFKA_KEY_FILE belong together: set both or none');
  const hasFiles = settings.CARILLON_KAFKA_CA_FILE !== null || certFile !== null || keyFile !== null;
  if (hasFiles && settings.CARILLON_KAFKA_SSL === false)
    problems.push('CARILLON_KAFKA_SSL is false but certificate files are set: set true, or remove the files');
  return (settings.CARILLON_KAFKA_SSL ?? hasFiles) ? { ca, cert, key } : null;
};

const passwordNames = ['CARILLON_KAFKA_SASL_USERNAME', 'CARILLON_KAFKA_SASL_PASSWORD'] as const;
const oauthNames = [
  'CARILLON_KAFKA_SASL_OAUTH_TOKEN_URL',
  'CARILLON_KAFKA_SASL_OAUTH_CLIENT_ID',
  'CARILLON_KAFKA_SASL_OAUTH_CLIENT_SECRET',
] as const;
const oauthScope = 'CARILLON_KAFKA_SASL_OAUTH_SCOPE';

/** Names of the other mechanism are refused, so that a forgotten change of mechanism shows. */
const saslNames = (mechanism: string | null): { needed: readonly SaslName[]; refused: readonly SaslName[] } => {
  if (mechanism === null) return { needed: [], refused: [...passwordNames, ...oauthNames, oauthScope] };
  if (mechanism === 'oauthbearer') return { needed: oauthNames, refused: passwordNames };
  return { needed: passwordNames, refused: [...oauthNames, oauthScope] };
};
type SaslName = (typeof passwordNames)[number] | (typeof oauthNames)[number] | typeof oauthScope;

const judgeSasl = (mechanism: string | null, given: ReadonlySet<string>, problems: string[]): void => {
  const { needed, refused } = saslNames(mechanism);
  for (const name of needed.filter((each) => !given.has(each)))
    problems.push(`${name} is not set: CARILLON_KAFKA_SASL_MECHANISM=${mechanism} needs it`);
  for (const name of refused.filter((each) => given.has(each)))
    problems.push(
      `${name} is set but CARILLON_KAFKA_SASL_MECHANISM is ${mechanism ?? 'not'}: remove it or change that`,
    );
};

const readSasl = (settings: Settings, given: ReadonlySet<string>, problems: string[]): KafkaSaslConfig | null => {
  const mechanism = settings.CARILLON_KAFKA_SASL_MECHANISM;
  // A mechanism that does not parse is reported already; judging the rest by it would only mislead.
  if (mechanism === null && given.has('CARILLON_KAFKA_SASL_MECHANISM')) return null;
  judgeSasl(mechanism, given, problems);
  if (mechanism === null) return null;
  const orEmpty = (name: SaslName): string => settings[name] ?? '';
  if (mechanism !== 'oauthbearer')
    return { mechanism, username: orEmpty(passwordNames[0]), password: orEmpty(passwordNames[1]) };
  return {
    mechanism,
    tokenUrl: orEmpty(oauthNames[0]),
    clientId: orEmpty(oauthNames[1]),
    clientSecret: orEmpty(oauthNames[2]),
    scope: settings.CARILLON_KAFKA_SASL_OAUTH_SCOPE,
  };
};

/**
 * Joins the Kafka variables into connection options and reads the certificate files.
 * @param given names that the environment sets, whether or not their values parse
 */
export const kafkaConnection = (
  settings: Settings,
  given: ReadonlySet<string>,
  context: RuleContext,
): KafkaConnectionConfig => {
  const ssl = readSsl(settings, context);
  const sasl = readSasl(settings, given, context.problems);
  if (sasl !== null && ssl === null && settings.CARILLON_KAFKA_SSL === null)
    context.problems.push(
      'CARILLON_KAFKA_SSL is not set but SASL is: set true, or false to send credentials in the clear',
    );
  return {
    brokers: settings.CARILLON_KAFKA_BROKERS ?? [],
    clientId: settings.CARILLON_KAFKA_CLIENT_ID ?? 'carillon',
    ssl,
    sasl,
  };
};
