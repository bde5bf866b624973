import { type DocumentLimits, defaultDocumentLimits } from './limits.ts';
import type { MessageRate } from './message-budget.ts';
import type { PersistedOptions } from './persisted-documents.ts';

/** Numbers of this room beside those of documents. Sizes in bytes. */
export type GraphqlLimits = {
  readonly documents: DocumentLimits;
  /** Head of a request. */
  readonly maxHeaderBytes: number;
  /** One message on the socket; larger closes with 1009. */
  readonly maxFrameBytes: number;
  readonly messages: MessageRate;
  /** Subscriptions, queries and mutations at once on one socket. */
  readonly maxOperations: number;
  /** Sockets of one address that are not acknowledged yet; after that a balancer's address may have any number. */
  readonly maxOpeningPerAddress: number;
  /** Upgrades that are taken in a second; more wait, at most `maxWaitingUpgrades`. */
  readonly upgradesPerSecond: number;
  readonly maxWaitingUpgrades: number;
  /** Body of an HTTP request. */
  readonly maxBodyBytes: number;
  /** The same with the publish scope. */
  readonly maxPublishBodyBytes: number;
  /** From the head of an HTTP request to its whole body and a verified token. */
  readonly requestDeadlineMs: number;
  /** From our close frame to cutting a peer that does not answer it. */
  readonly closeTimeoutMs: number;
};

/** What holds where the deployer says nothing. */
export const defaultGraphqlLimits: GraphqlLimits = {
  documents: defaultDocumentLimits,
  maxHeaderBytes: 16_384, // 16 KiB
  maxFrameBytes: 65_536, // 64 KiB
  messages: { perSecond: 20, burst: 60 },
  maxOperations: 32,
  maxOpeningPerAddress: 200,
  upgradesPerSecond: 200,
  maxWaitingUpgrades: 20_000,
  maxBodyBytes: 102_400, // 100 KiB
  maxPublishBodyBytes: 1_048_576, // 1 MiB
  requestDeadlineMs: 10_000,
  closeTimeoutMs: 5_000,
};

export type GraphqlOptions = {
  /** Where GraphQL is; with or without a slash at the end. @default '/graphql' */
  readonly path?: string;
  /** Loopback only: any loopback Origin, no other Host, nothing forwarded. */
  readonly isDevMode: boolean;
  /** Origins of browsers that may come, as browsers send them (`https://app.example`); compared as they are. */
  readonly allowedOrigins: readonly string[];
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. @default none */
  readonly trustedProxies?: readonly string[];
  readonly isIntrospectionEnabled: boolean;
  readonly isGraphiqlEnabled: boolean;
  /** Whether WebSocket clients that can get long messages compressed. @default false */
  readonly isCompressionEnabled?: boolean;
  /** @default none */
  readonly persisted?: PersistedOptions;
  readonly limits?: Partial<GraphqlLimits>;
};
