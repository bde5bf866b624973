import type { CodegenConfig } from '@graphql-codegen/cli';
import { loadEventSchema } from './src/graphql/schema/index.ts';

/** The whole schema, derived types included; only the files of `schema/` are its source. */
const { sdl } = loadEventSchema({ schemaDir: 'schema', eventsDir: 'schema/events' });

/** Scalars inside of the gateway are text; times that it makes itself are milliseconds until they are written. */
const gatewayScalars = {
  DateTime: { input: 'string', output: 'string | number' },
  BigInt: 'string',
  Cursor: 'string',
  ID: 'string',
};

const clientScalars = { DateTime: 'string', BigInt: { input: 'string | number', output: 'string' }, Cursor: 'string' };

const common = {
  useTypeImports: true,
  enumsAsTypes: true,
  strictScalars: true,
  immutableTypes: true,
  importExtension: '.ts',
} as const;

/** Where a resolver's source is a type of the program rather than the payload as clients see it. */
const mappers = {
  Notification: '../../event.ts#Envelope',
  NotificationContent: '../../event.ts#EventContent',
  NotificationReceivedPayload: '../../actors/session.ts#Payload',
  NotificationEdge: '../payload-resolvers.ts#EventPayload',
  StreamGap: '../payload-resolvers.ts#GapPayload',
};

const documents = (folder: string): CodegenConfig['generates'] => ({
  [`${folder}/__generated__/operations.ts`]: {
    documents: [`${folder}/operations.graphql`],
    plugins: ['typescript-operations', 'typed-document-node'],
    config: { ...common, scalars: clientScalars, avoidOptionals: { field: true } },
  },
});

const config: CodegenConfig = {
  schema: sdl,
  emitLegacyCommonJSImports: false,
  generates: {
    'src/graphql/__generated__/resolvers.ts': {
      plugins: ['typescript', 'typescript-resolvers'],
      config: {
        ...common,
        scalars: gatewayScalars,
        mappers,
        contextType: '../operation-context.ts#OperationContext',
      },
    },
    ...documents('test/support'),
    ...documents('examples'),
    'docs/schema.graphql': {
      plugins: [{ add: { content: sdl } }],
    },
  },
};
export default config;
