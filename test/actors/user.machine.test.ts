import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, initialTransition } from 'xstate';
import { type UserEvent, type UserTag, userMachine } from '../../src/actors/user.machine.ts';
import { type RecordedMachine, recordMachine } from './recording-machine.ts';

const effects = ['closeSessions', 'forget'];
type User = RecordedMachine<UserEvent, UserTag>;
const start = (): User => recordMachine(userMachine, { effects });

const leave: UserEvent = { type: 'session.detached', left: 0 };

describe('the user machine', () => {
  it('begins without context and without effects or timers: all users share where they begin', () => {
    const [snapshot, actions] = initialTransition(userMachine as unknown as AnyStateMachine);
    expect([snapshot.context, actions]).toEqual([{}, []]);
  });

  it.each<[UserEvent[], UserTag[], string[]]>([
    [[], ['present'], []],
    [[{ type: 'session.detached', left: 1 }], ['present'], []],
    [[leave], ['away'], []],
    [[leave, { type: 'session.attached' }], ['present'], []],
    [[{ type: 'identity.expiring' }], ['present', 'expiring'], []],
    [[{ type: 'identity.expiring' }, { type: 'identity.renewed' }], ['present'], []],
    [[{ type: 'user.revoked' }], ['present', 'revoked'], ['closeSessions']],
    [[{ type: 'user.revoked' }, leave, { type: 'session.attached' }], ['present'], ['closeSessions']],
    [[{ type: 'flow.lagged' }], ['present', 'lagging'], []],
    [[{ type: 'flow.stalled' }], ['present', 'lagging', 'stalled'], []],
    [[{ type: 'flow.stalled' }, { type: 'flow.opened' }], ['present'], []],
    [[{ type: 'pulse.silenced' }], ['present', 'silent'], []],
    [[{ type: 'pulse.silenced' }, { type: 'pulse.quieted' }], ['present'], []],
    [[{ type: 'session.failed', isIntense: false }], ['present'], []],
    [[{ type: 'gateway.stopped' }], ['gone'], ['forget']],
  ])('after %o is %o with effects %o', (events, tags, expected) => {
    const user = start();
    for (const event of events) user.send(event);
    const all: UserTag[] = ['present', 'away', 'gone', 'expiring', 'revoked', 'lagging', 'stalled', 'silent', 'held'];
    expect(all.filter((tag) => user.hasTag(tag))).toEqual(tags);
    expect(user.takeEffects()).toEqual(expected);
  });

  it('is forgotten when it stays away for the window, and not when a session comes back in time', () => {
    const user = start();
    user.send(leave);
    user.clock.advance(119_000);
    user.send({ type: 'session.attached' });
    user.clock.advance(119_000);
    expect(user.hasTag('present')).toBe(true);
    user.send(leave);
    user.clock.advance(121_000);
    expect(user.hasTag('gone')).toBe(true);
    expect(user.takeEffects()).toEqual(['forget']);
  });

  it('holds reconnects once the restart intensity is passed, and lets go after the hold window', () => {
    const user = start();
    user.send({ type: 'session.failed', isIntense: true });
    expect(user.hasTag('held')).toBe(true);
    user.clock.advance(31_000);
    expect(user.hasTag('held')).toBe(false);
  });

  it('survives any sequence of events and can always be ended', () => {
    const events: UserEvent[] = [
      { type: 'session.attached' },
      { type: 'session.detached', left: 0 },
      { type: 'session.detached', left: 2 },
      { type: 'identity.expiring' },
      { type: 'identity.renewed' },
      { type: 'user.revoked' },
      { type: 'flow.opened' },
      { type: 'flow.lagged' },
      { type: 'flow.stalled' },
      { type: 'pulse.quieted' },
      { type: 'pulse.waited' },
      { type: 'pulse.silenced' },
      { type: 'session.failed', isIntense: false },
    ];
    const step = fc.oneof(fc.constantFrom(...events), fc.nat(60_000));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const user = start();
        for (const each of steps) {
          if (typeof each === 'number') user.clock.advance(each);
          else user.send(each);
        }
        user.send({ type: 'gateway.stopped' });
        expect(user.failures).toEqual([]);
        expect(user.hasTag('gone')).toBe(true);
        expect(user.takeEffects().filter((name) => name === 'forget')).toHaveLength(1);
        expect(user.timers()).toBe(0);
      }),
    );
  });
});
