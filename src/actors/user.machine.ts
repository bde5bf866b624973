import { type StateMachine, type StateValue, setup } from 'xstate';

/**
 * The control plane of one connected user on this node: parent in meaning of the user's sessions. It hears of edges only; what is addressed
 * to the user goes from the router straight to the subscriptions.
 */

export type UserEvent =
  | { readonly type: 'session.attached' }
  | { readonly type: 'session.detached'; readonly left: number }
  | { readonly type: 'identity.expiring' }
  | { readonly type: 'identity.renewed' }
  | { readonly type: 'user.revoked' }
  | { readonly type: 'flow.opened' }
  | { readonly type: 'flow.lagged' }
  | { readonly type: 'flow.stalled' }
  | { readonly type: 'pulse.quieted' }
  | { readonly type: 'pulse.waited' }
  | { readonly type: 'pulse.silenced' }
  /** `isIntense`: as often within the hold window as the restart intensity allows, or more. */
  | { readonly type: 'session.failed'; readonly isIntense: boolean }
  | { readonly type: 'gateway.stopped' };

/** What the outside may ask of a user's state. */
export type UserTag = 'present' | 'away' | 'gone' | 'expiring' | 'revoked' | 'lagging' | 'stalled' | 'silent' | 'held';

export type UserAction = { type: 'closeSessions'; params: undefined } | { type: 'forget'; params: undefined };
export type UserGuard = { type: 'isAlone'; params: undefined } | { type: 'isIntensityPassed'; params: undefined };
export type UserDelay = 'awayWindow' | 'holdWindow';

/** The user machine's type, with its events, tags and named implementations. */
export type UserMachine = StateMachine<
  Record<string, never>,
  UserEvent,
  Record<string, never>,
  never,
  UserAction,
  UserGuard,
  UserDelay,
  StateValue,
  UserTag,
  undefined,
  undefined,
  never,
  Record<string, never>,
  Record<string, never>
>;

const machine = setup({
  types: { events: {} as UserEvent, tags: '' as UserTag },
  actions: { closeSessions: () => {}, forget: () => {} },
  guards: {
    isAlone: ({ event }) => event.type === 'session.detached' && event.left === 0,
    isIntensityPassed: ({ event }) => event.type === 'session.failed' && event.isIntense,
  },
  delays: { awayWindow: 120_000, holdWindow: 30_000 },
}).createMachine({
  id: 'user',
  initial: 'here',
  on: { 'gateway.stopped': '.gone' },
  states: {
    here: {
      type: 'parallel',
      states: {
        presence: {
          initial: 'present',
          states: {
            present: { tags: ['present'], on: { 'session.detached': { guard: 'isAlone', target: 'away' } } },
            away: { tags: ['away'], on: { 'session.attached': 'present' }, after: { awayWindow: '#user.gone' } },
          },
        },
        identity: {
          initial: 'valid',
          on: { 'user.revoked': '.revoked' },
          states: {
            valid: { on: { 'identity.expiring': 'expiring' } },
            expiring: { tags: ['expiring'], on: { 'identity.renewed': 'valid' } },
            // A new session brings a token issued later, or the connect check would have refused it.
            revoked: { tags: ['revoked'], entry: 'closeSessions', on: { 'session.attached': 'valid' } },
          },
        },
        flow: {
          initial: 'open',
          on: { 'flow.opened': '.open', 'flow.lagged': '.lagging', 'flow.stalled': '.stalled' },
          states: { open: {}, lagging: { tags: ['lagging'] }, stalled: { tags: ['lagging', 'stalled'] } },
        },
        pulse: {
          initial: 'quiet',
          on: { 'pulse.quieted': '.quiet', 'pulse.waited': '.waiting', 'pulse.silenced': '.silent' },
          states: { quiet: {}, waiting: {}, silent: { tags: ['silent'] } },
        },
        supervision: {
          initial: 'steady',
          states: {
            steady: { on: { 'session.failed': { guard: 'isIntensityPassed', target: 'held' } } },
            held: {
              tags: ['held'],
              after: { holdWindow: 'steady' },
              on: { 'session.failed': { target: 'held', reenter: true } },
            },
          },
        },
      },
    },
    gone: { type: 'final', tags: ['gone'], entry: 'forget' },
  },
});

/** States and events of a connected user; effects are stubs until the runner provides them. */
export const userMachine: UserMachine = machine as unknown as UserMachine;
