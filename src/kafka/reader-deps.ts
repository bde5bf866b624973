import type { Clock } from '../clock.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ClusterView } from './cluster-view.ts';
import type { Leaders } from './leaders.ts';
import type { Links } from './links.ts';
import type { Positions } from './positions.ts';

/** What reading needs of its log. */
export type ReaderDeps = {
  readonly view: ClusterView;
  readonly links: Links;
  readonly leaders: Leaders;
  readonly positions: Positions;
  readonly clock: Clock;
  readonly logger: Logger;
};
