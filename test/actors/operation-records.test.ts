import { describe, expect, it } from 'vitest';
import { OperationRecords } from '../../src/actors/operation-records.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { SharedStore } from './shared-store.ts';

describe('what nodes tell each other of an operation', () => {
  it('is heard after a deletion of what was not there', async () => {
    const store = new SharedStore();
    const here = new OperationRecords({ store, node: 'here', logger: silentLogger });
    const there = new OperationRecords({ store, node: 'there', logger: silentLogger });
    const heard: boolean[] = [];
    here.follow((_, __, isOvertaken) => void heard.push(isOvertaken));
    await here.put('key', undefined);
    await there.put('key', { kind: 'held', node: 'there', atMs: 0, guessedAtMs: null });
    expect([store.writes, heard]).toEqual([1, [false]]);
    expect(here.isUnderway('key')).toBe(false);
  });
});
