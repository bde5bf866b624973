import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SessionEvent, type SessionTag, sessionMachine } from '../../src/actors/session.machine.ts';
import type { SessionEndReason } from '../../src/actors/session.ts';
import { type RecordedMachine, recordMachine } from './recording-machine.ts';

const effects = ['requestTurn', 'acknowledge', 'mark', 'probe', 'startDraining', 'end'];
type Session = RecordedMachine<SessionEvent, SessionTag>;

const start = (): Session => recordMachine(sessionMachine, { input: { openedAtMs: 0 }, effects });

const verified: SessionEvent = { type: 'token.verified', expiresAtMs: 9e15 };
const path = {
  opening: [],
  authenticating: [{ type: 'init.received' }],
  admitted: [{ type: 'init.received' }, verified],
  active: [{ type: 'init.received' }, verified, { type: 'turn.granted' }],
  draining: [{ type: 'init.received' }, verified, { type: 'turn.granted' }, { type: 'drain.requested' }],
} satisfies Record<string, SessionEvent[]>;
type State = keyof typeof path;

const at = (state: State): Session => {
  const session = start();
  for (const event of path[state]) session.send(event as SessionEvent);
  session.takeEffects();
  return session;
};

const states = Object.keys(path) as State[];
const event = (type: SessionEvent['type']): SessionEvent => ({ type }) as SessionEvent;

describe('the session machine', () => {
  it.each<[State, SessionEvent, string, string[]]>([
    ['opening', event('init.received'), 'authenticating', []],
    ['opening', verified, 'opening', []],
    ['authenticating', verified, 'admitted', ['requestTurn']],
    ['admitted', event('turn.granted'), 'active', ['acknowledge']],
    ['admitted', event('turn.refused'), 'closed', ['end']],
    ['active', event('drain.requested'), 'draining', ['startDraining']],
    ['draining', event('drain.requested'), 'draining', []],
    ['draining', event('drain.due'), 'closed', ['end']],
    ['opening', event('drain.requested'), 'closed', ['end']],
    ['authenticating', event('drain.requested'), 'closed', ['end']],
    ['admitted', event('drain.requested'), 'closed', ['end']],
    ['active', event('outbox.saturated'), 'active', []],
    ['active', event('marker.echoed'), 'active', []],
    ['active', event('echo.overdue'), 'active', ['probe']],
  ])('goes from %s on %o to %s with effects %o', (...[from, sent, to, expected]) => {
    const session = at(from);
    session.send(sent);
    expect(session.describe().split(/[. ]/)[0]).toBe(to);
    expect(session.takeEffects()).toEqual(expected);
  });

  it.each<[SessionEndReason, State, SessionEvent]>([
    ['client_closed', 'active', { type: 'socket.closed', reason: 'client_closed' }],
    ['protocol_violation', 'active', { type: 'socket.closed', reason: 'protocol_violation' }],
    ['init_repeated', 'authenticating', event('init.received')],
    ['token_refused', 'authenticating', { type: 'token.refused', reason: 'token_refused' }],
    ['overloaded', 'authenticating', { type: 'token.refused', reason: 'overloaded' }],
    ['revoked', 'active', event('user.revoked')],
    ['too_many_sockets', 'admitted', event('limit.passed')],
    ['superseded', 'active', event('session.superseded')],
    ['draining', 'draining', event('drain.due')],
    ['actor_failed', 'active', event('actor.failed')],
    ['stopped', 'active', event('gateway.stopped')],
  ])('ends with reason %s', (reason, state, sent) => {
    expect(endOf(at(state), (session) => session.send(sent))).toBe(reason);
  });

  it.each<[SessionEndReason, State, number]>([
    ['init_timeout', 'opening', 3_000],
    ['overloaded', 'authenticating', 10_000],
    ['overloaded', 'admitted', 10_000],
    ['draining', 'draining', 10_000],
  ])('ends with reason %s when %s lasts %i ms, and not before', (reason, state, ms) => {
    const session = at(state);
    session.clock.advance(ms - 100);
    expect(session.hasTag('ended')).toBe(false);
    expect(endOf(session, () => session.clock.advance(200))).toBe(reason);
  });

  it('ends with reason token_expired when the token is not refreshed, and lives on when it is', () => {
    const session = at('active');
    keepAlive(session, 3_550_000);
    expect(session.hasTag('expiring')).toBe(true);
    session.send({ type: 'token.refreshed', expiresAtMs: 9e15 });
    expect(session.hasTag('expiring')).toBe(false);
    keepAlive(session, 3_590_000);
    expect(session.hasTag('ended')).toBe(false);
    expect(endOf(session, () => keepAlive(session, 20_000))).toBe('token_expired');
  });

  it('ends with reason stalled when a lagging session makes no progress', () => {
    const session = at('active');
    session.send(event('outbox.saturated'));
    expect(session.hasTag('lagging')).toBe(true);
    keepAlive(session, 4_000);
    session.send(event('outbox.progressed'));
    keepAlive(session, 4_000);
    expect(session.hasTag('stalled')).toBe(false);
    keepAlive(session, 2_000);
    expect(session.hasTag('stalled')).toBe(true);
    expect(endOf(session, () => keepAlive(session, 31_000))).toBe('stalled');
  });

  it.each<SessionEvent['type']>(['marker.echoed', 'peer.heard'])(
    'probes a peer whose echo is overdue, and is content with %s, late as it may be',
    (sign) => {
      const session = at('active');
      session.send(event('echo.overdue'));
      expect([session.takeEffects(), session.hasTag('waiting'), session.hasTag('silent')]).toEqual([
        ['probe'],
        true,
        false,
      ]);
      session.clock.advance(10_000);
      expect(session.hasTag('silent')).toBe(true);
      session.clock.advance(11_000);
      session.send(event(sign));
      expect([session.hasTag('waiting'), session.hasTag('silent')]).toEqual([false, false]);
      session.clock.advance(60_000);
      expect(session.hasTag('operating')).toBe(true);
    },
  );

  it('ends with reason heartbeat_missed where nothing answers the probe', () => {
    const session = at('active');
    session.send(event('echo.overdue'));
    session.clock.advance(21_000);
    expect(session.hasTag('ended')).toBe(false);
    expect(endOf(session, () => session.clock.advance(1_000))).toBe('heartbeat_missed');
  });

  it('survives any sequence of events and can always be closed', () => {
    const reasons = fc.constantFrom<SessionEndReason>('client_closed', 'protocol_violation');
    const types: SessionEvent['type'][] = [
      'init.received',
      'turn.granted',
      'turn.refused',
      'echo.overdue',
      'marker.echoed',
      'peer.heard',
      'outbox.saturated',
      'outbox.progressed',
      'outbox.relieved',
      'outbox.emptied',
      'drain.requested',
      'drain.due',
      'user.revoked',
      'session.superseded',
      'limit.passed',
      'actor.failed',
      'gateway.stopped',
    ];
    const anyEvent: fc.Arbitrary<SessionEvent | number> = fc.oneof(
      fc.constantFrom(...types.map(event)),
      fc.constant(verified),
      fc.constant<SessionEvent>({ type: 'token.refreshed', expiresAtMs: 5 }),
      fc.constant<SessionEvent>({ type: 'token.refused', reason: 'token_refused' }),
      reasons.map((reason): SessionEvent => ({ type: 'socket.closed', reason })),
      fc.nat(40_000),
    );
    fc.assert(
      fc.property(fc.constantFrom(...states), fc.array(anyEvent, { maxLength: 25 }), (state, sequence) => {
        const session = at(state);
        for (const step of sequence) {
          if (typeof step === 'number') session.clock.advance(step);
          else session.send(step);
        }
        session.send({ type: 'socket.closed', reason: 'client_closed' });
        expect(session.failures).toEqual([]);
        expect(session.hasTag('ended')).toBe(true);
        expect(session.takeEffects().filter((name) => name === 'end')).toHaveLength(1);
        expect(session.timers()).toBe(0);
      }),
    );
  });
});

/** Passes time in steps below the heartbeat and echoes every marker. */
const keepAlive = (session: Session, ms: number): void => {
  for (let left = ms; left > 0; left -= 20_000) {
    session.clock.advance(Math.min(left, 20_000));
    session.send({ type: 'marker.echoed' });
  }
};

const endOf = (session: Session, act: (session: Session) => void): SessionEndReason | null => {
  act(session);
  expect(session.hasTag('ended')).toBe(true);
  return (session.output() as { reason: SessionEndReason } | undefined)?.reason ?? null;
};
