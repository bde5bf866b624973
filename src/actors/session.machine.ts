import { assign, type StateMachine, type StateValue, setup } from 'xstate';
import type { SessionEndReason } from './session.ts';

/**
 * The control plane of one session, from handshake to close. Envelopes never pass through it: the runner beside it (session-actor.ts) owns
 * outbox, link and subscriptions, sends what happened, and carries out the named effects. Every way out is `closed` with a reason.
 */

export type SessionInput = {
  /** Wall clock at which the connection was accepted, milliseconds since 1970. */
  readonly openedAtMs: number;
};

export type SessionContext = SessionInput & {
  /** When the token ends; 0 before there is one. */
  readonly expiresAtMs: number;
  readonly endReason: SessionEndReason | null;
  /** True once the connection itself is gone: there is nobody to send a close to. */
  readonly isLinkGone: boolean;
};

export type SessionEvent =
  | { readonly type: 'init.received' }
  | { readonly type: 'token.verified'; readonly expiresAtMs: number }
  | { readonly type: 'token.refused'; readonly reason: 'token_refused' | 'overloaded' }
  | { readonly type: 'token.refreshed'; readonly expiresAtMs: number }
  | { readonly type: 'token.expired' }
  | { readonly type: 'turn.granted' }
  | { readonly type: 'turn.refused' }
  /** A heartbeat has no echo yet. As long as each has one in time, the machine hears of neither. */
  | { readonly type: 'echo.overdue' }
  | { readonly type: 'marker.echoed' }
  /** Anything came from the peer while an echo is due: it is there, whatever it makes of markers. */
  | { readonly type: 'peer.heard' }
  | { readonly type: 'outbox.saturated' }
  | { readonly type: 'outbox.progressed' }
  | { readonly type: 'outbox.relieved' }
  | { readonly type: 'outbox.emptied' }
  | { readonly type: 'drain.requested' }
  | { readonly type: 'drain.due' }
  | { readonly type: 'user.revoked' }
  | { readonly type: 'session.superseded' }
  | { readonly type: 'limit.passed' }
  | { readonly type: 'actor.failed' }
  | { readonly type: 'gateway.stopped' }
  | { readonly type: 'socket.closed'; readonly reason: SessionEndReason };

/** What the outside may ask of a session's state. */
export type SessionTag =
  | 'handshaking'
  | 'operating'
  | 'flushing'
  | 'expiring'
  | 'waiting'
  | 'silent'
  | 'lagging'
  | 'stalled'
  | 'draining'
  | 'ended';

/** What the session's user is told of, worst last. */
export type FlowLevel = 'open' | 'lagging' | 'stalled';
export type PulseLevel = 'quiet' | 'waiting' | 'silent';
export type IdentityLevel = 'valid' | 'expiring';

export type SessionAction =
  | { type: 'requestTurn'; params: undefined }
  | { type: 'acknowledge'; params: undefined }
  | { type: 'mark'; params: undefined }
  | { type: 'probe'; params: undefined }
  | { type: 'startDraining'; params: undefined }
  | { type: 'reportFlow'; params: { level: FlowLevel } }
  | { type: 'reportPulse'; params: { level: PulseLevel } }
  | { type: 'reportIdentity'; params: { level: IdentityLevel } }
  | { type: 'end'; params: undefined }
  | { type: 'endWith'; params: { reason: SessionEndReason } }
  | { type: 'endGone'; params: undefined }
  | { type: 'keepExpiry'; params: undefined }
  | { type: 'keepRefusal'; params: undefined };

export type SessionDelay =
  | 'initTimeout'
  | 'ackDeadline'
  | 'silence'
  | 'echoDeadline'
  | 'progressDeadline'
  | 'stalledDeadline'
  | 'expiryNotice'
  | 'expiry'
  | 'drainDeadline';

/** The session machine's type, with its events, tags and named implementations. */
export type SessionMachine = StateMachine<
  SessionContext,
  SessionEvent,
  Record<string, never>,
  never,
  SessionAction,
  never,
  SessionDelay,
  StateValue,
  SessionTag,
  SessionInput,
  { reason: SessionEndReason },
  never,
  Record<string, never>,
  Record<string, never>
>;

const endWith = (reason: SessionEndReason) => ({ type: 'endWith', params: { reason } }) as const;

const machine = setup({
  types: {
    context: {} as SessionContext,
    events: {} as SessionEvent,
    input: {} as SessionInput,
    output: {} as { reason: SessionEndReason },
    tags: '' as SessionTag,
  },
  actions: {
    requestTurn: () => {},
    acknowledge: () => {},
    mark: () => {},
    probe: () => {},
    startDraining: () => {},
    reportFlow: (_, _params: { level: FlowLevel }) => {},
    reportPulse: (_, _params: { level: PulseLevel }) => {},
    reportIdentity: (_, _params: { level: IdentityLevel }) => {},
    end: () => {},
    endWith: assign((_, params: { reason: SessionEndReason }) => ({ endReason: params.reason })),
    endGone: assign(({ event }) =>
      event.type === 'socket.closed' ? { endReason: event.reason, isLinkGone: true } : {},
    ),
    keepExpiry: assign(({ event }) =>
      event.type === 'token.verified' || event.type === 'token.refreshed' ? { expiresAtMs: event.expiresAtMs } : {},
    ),
    keepRefusal: assign(({ event }) => (event.type === 'token.refused' ? { endReason: event.reason } : {})),
  },
  // Defaults for tests of the bare machine; the runner provides all of them from the options.
  delays: {
    initTimeout: 3_000,
    ackDeadline: 10_000,
    silence: 9_375,
    echoDeadline: 12_500,
    progressDeadline: 5_000,
    stalledDeadline: 30_000,
    expiryNotice: 3_540_000,
    expiry: 60_000,
    drainDeadline: 10_000,
  },
}).createMachine({
  id: 'session',
  initial: 'opening',
  context: ({ input }) => ({ ...input, expiresAtMs: 0, endReason: null, isLinkGone: false }),
  output: ({ context }) => ({ reason: context.endReason ?? 'stopped' }),
  on: {
    'init.received': { target: '.closed', actions: endWith('init_repeated') },
    'socket.closed': { target: '.closed', actions: 'endGone' },
    'token.expired': { target: '.closed', actions: endWith('token_expired') },
    'user.revoked': { target: '.closed', actions: endWith('revoked') },
    'session.superseded': { target: '.closed', actions: endWith('superseded') },
    'limit.passed': { target: '.closed', actions: endWith('too_many_sockets') },
    'actor.failed': { target: '.closed', actions: endWith('actor_failed') },
    'gateway.stopped': { target: '.closed', actions: endWith('stopped') },
    'drain.requested': { target: '.closed', actions: endWith('draining') },
  },
  states: {
    opening: {
      tags: ['handshaking'],
      after: { initTimeout: { target: 'closed', actions: endWith('init_timeout') } },
      on: { 'init.received': 'authenticating' },
    },
    authenticating: {
      tags: ['handshaking'],
      // Also binds a verifier that hangs: the client may try again.
      after: { ackDeadline: { target: 'closed', actions: endWith('overloaded') } },
      on: {
        'token.verified': { target: 'admitted', actions: 'keepExpiry' },
        'token.refused': { target: 'closed', actions: 'keepRefusal' },
      },
    },
    admitted: {
      tags: ['handshaking'],
      entry: 'requestTurn',
      after: { ackDeadline: { target: 'closed', actions: endWith('overloaded') } },
      on: {
        'turn.granted': 'active',
        'turn.refused': { target: 'closed', actions: endWith('overloaded') },
      },
    },
    active: {
      type: 'parallel',
      tags: ['operating', 'flushing'],
      entry: 'acknowledge',
      on: { 'drain.requested': 'draining' },
      states: {
        auth: {
          initial: 'valid',
          on: { 'token.refreshed': { target: '.valid', reenter: true, actions: 'keepExpiry' } },
          states: {
            valid: {
              entry: { type: 'reportIdentity', params: { level: 'valid' } },
              after: { expiryNotice: 'expiring' },
            },
            expiring: {
              tags: ['expiring'],
              // The marker says how long the token is still good for.
              entry: [{ type: 'reportIdentity', params: { level: 'expiring' } }, 'mark'],
              after: { expiry: { target: '#session.closed', actions: endWith('token_expired') } },
            },
          },
        },
        heartbeat: {
          initial: 'quiet',
          states: {
            quiet: {
              entry: { type: 'reportPulse', params: { level: 'quiet' } },
              on: { 'echo.overdue': { target: 'waiting', actions: 'probe' } },
            },
            waiting: {
              tags: ['waiting'],
              entry: { type: 'reportPulse', params: { level: 'waiting' } },
              after: { silence: 'silent' },
              on: { 'marker.echoed': 'quiet', 'peer.heard': 'quiet' },
            },
            silent: {
              tags: ['waiting', 'silent'],
              entry: { type: 'reportPulse', params: { level: 'silent' } },
              after: { echoDeadline: { target: '#session.closed', actions: endWith('heartbeat_missed') } },
              on: { 'marker.echoed': 'quiet', 'peer.heard': 'quiet' },
            },
          },
        },
        flow: {
          initial: 'open',
          states: {
            open: {
              entry: { type: 'reportFlow', params: { level: 'open' } },
              on: { 'outbox.saturated': 'lagging' },
            },
            lagging: {
              tags: ['lagging'],
              entry: { type: 'reportFlow', params: { level: 'lagging' } },
              after: { progressDeadline: 'stalled' },
              on: {
                'outbox.relieved': 'open',
                'outbox.progressed': { target: 'lagging', reenter: true },
              },
            },
            stalled: {
              tags: ['lagging', 'stalled'],
              entry: { type: 'reportFlow', params: { level: 'stalled' } },
              after: { stalledDeadline: { target: '#session.closed', actions: endWith('stalled') } },
              on: { 'outbox.relieved': 'open', 'outbox.progressed': 'lagging' },
            },
          },
        },
      },
    },
    draining: {
      tags: ['draining', 'flushing'],
      entry: 'startDraining',
      after: { drainDeadline: { target: 'closed', actions: endWith('draining') } },
      on: {
        'drain.requested': {},
        'drain.due': { target: 'closed', actions: endWith('draining') },
      },
    },
    closed: { type: 'final', tags: ['ended'], entry: 'end' },
  },
});

/** States, events and reasons of a session; effects are stubs until the runner provides them. */
export const sessionMachine: SessionMachine = machine as unknown as SessionMachine;
