/** Front door of GraphQL: the endpoint on HTTP and WebSocket, and the rules of who may come at all. The schema has its own, schema/index.ts. */
export { type Access, type AccessRules, createAccess } from './access.ts';
export type { Verification, VerifyToken } from './operation-context.ts';
export type { GraphqlLimits, GraphqlOptions } from './options.ts';
export type { PersistedOptions } from './persisted-documents.ts';
export { createGraphqlServer, type GraphqlServer, type GraphqlServerDeps, httpServerOptions } from './server.ts';
