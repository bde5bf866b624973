import type { Clock } from '../clock.ts';
import { ownerOf } from './machine-runner.ts';
import { echoOverdueMs } from './markers.ts';
import type { CoreOptions } from './options.ts';
import { type SessionContext, sessionMachine } from './session.machine.ts';
import type { SessionActor } from './session-actor.ts';

/** What the session machine's actions and delays mean: each action is a call of the session that it belongs to. */

/** The session machine with its effects and delays; made once, shared by all. */
export const wireSessionMachine = (options: CoreOptions, clock: Clock): unknown => {
  const until = (atMs: number): number => Math.max(0, atMs - clock.now());
  const noticeAt = ({ expiresAtMs }: SessionContext): number => expiresAtMs - options.expiryNoticeMs;
  return sessionMachine.provide({
    actions: {
      requestTurn: ({ self }) => ownerOf<SessionActor>(self).requestTurn(),
      acknowledge: ({ self }) => ownerOf<SessionActor>(self).acknowledge(),
      mark: ({ self }) => ownerOf<SessionActor>(self).mark(false),
      startDraining: ({ self }) => ownerOf<SessionActor>(self).startDraining(),
      probe: ({ self }) => ownerOf<SessionActor>(self).mark(true),
      reportFlow: ({ self }, { level }) => ownerOf<SessionActor>(self).user?.note(ownerOf(self), { flow: level }),
      reportPulse: ({ self }, { level }) => ownerOf<SessionActor>(self).reportPulse(level),
      reportIdentity: ({ self }, { level }) =>
        ownerOf<SessionActor>(self).user?.note(ownerOf(self), { identity: level }),
      end: ({ self, context }) => ownerOf<SessionActor>(self).end(context),
    },
    delays: {
      initTimeout: options.initTimeoutMs,
      ackDeadline: ({ context }) => until(context.openedAtMs + options.ackDeadlineMs),
      // With the time until an echo is overdue, half a heartbeat.
      silence: options.heartbeatMs / 2 - echoOverdueMs(options),
      echoDeadline: options.heartbeatMs / 2,
      progressDeadline: options.progressDeadlineMs,
      stalledDeadline: options.stalledDeadlineMs,
      expiryNotice: ({ context }) => until(noticeAt(context)),
      expiry: ({ context }) => until(context.expiresAtMs),
      drainDeadline: options.drainDeadlineMs,
    },
  });
};
