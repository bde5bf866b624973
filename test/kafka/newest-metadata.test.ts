import { describe, expect, it } from 'vitest';
import type { ClusterMetadata } from '../../src/kafka/metadata-request.ts';
import { newestMetadata } from '../../src/kafka/newest-metadata.ts';

/** Leaders and epochs by partition. */
const metadata = (id: string, leaders: readonly (readonly [leader: number, epoch: number])[]): ClusterMetadata => ({
  brokers: new Map(),
  topics: [
    {
      name: 't',
      id,
      error: 0,
      rights: 0,
      partitions: leaders.map(([leader, epoch], index) => ({ index, leader, epoch, replicas: 3, inSync: 3 })),
    },
  ],
});

describe('metadata of a broker that was frozen', () => {
  it('does not bring back a leader whose epoch is over', () => {
    const known = metadata('a', [
      [2, 5],
      [3, 1],
    ]);
    const told = metadata('a', [
      [1, 4],
      [1, 2],
    ]);
    expect(newestMetadata(known, told)).toEqual(
      metadata('a', [
        [2, 5],
        [1, 2],
      ]),
    );
  });

  it('takes no partition away', () => {
    const known = metadata('a', [
      [1, 0],
      [2, 0],
    ]);
    expect(newestMetadata(known, metadata('a', [[3, 1]]))).toEqual(
      metadata('a', [
        [3, 1],
        [2, 0],
      ]),
    );
  });

  it('says nothing about a topic of the same name that was created anew', () => {
    const told = metadata('b', [[1, 0]]);
    expect(newestMetadata(metadata('a', [[2, 5]]), told)).toEqual(told);
  });

  it('may say that a partition has no leader now', () => {
    const told = metadata('a', [[-1, 5]]);
    expect(newestMetadata(metadata('a', [[2, 5]]), told)).toEqual(told);
  });
});
