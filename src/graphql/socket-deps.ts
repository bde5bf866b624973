import type { GraphQLSchema } from 'graphql';
import type { Clock } from '../clock.ts';
import type { Telemetry } from '../telemetry/facade.ts';
import type { Documents } from './documents.ts';
import type { ErrorMask } from './graphql-errors.ts';
import type { OperationServices } from './operation-context.ts';
import type { GraphqlLimits } from './options.ts';
import type { Rendering } from './rendering.ts';
import type { SharedDeflate } from './shared-deflate.ts';
import type { SharedFrames } from './shared-frames.ts';
import type { SocketWrites } from './socket-writes.ts';

/** What all sockets of a server share. */
export type SocketDeps = {
  readonly schema: GraphQLSchema;
  readonly documents: Documents;
  readonly rendering: Rendering;
  readonly frames: SharedFrames;
  readonly writes: SocketWrites;
  /** Null where nothing is compressed. */
  readonly deflate: SharedDeflate | null;
  readonly mask: ErrorMask;
  readonly services: OperationServices;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly limits: GraphqlLimits;
};
