import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from '../../src/log/murmur2.ts';

/** Printed by kafka-clients 4.4.0: `Utils.murmur2`, and `Utils.toPositive` of it modulo 12 and 15. */
const java: readonly (readonly [key: string, hash: number, of12: number, of15: number])[] = [
  ['TT0124', -1442328778, 10, 10],
  ['100:48069', 1009543857, 9, 12],
  ['f81d4fae-7dec-11d0-a765-00a0c91e6bf6', -1295985492, 8, 11],
  ['ключ-1', -647031551, 9, 12],
  ['', 275646681, 9, 6],
  ['a', -1563381124, 4, 4],
  ['ab', 316155434, 2, 14],
  ['abc', 479470107, 3, 12],
  ['user-1', 1404122828, 8, 8],
  ['21', -973932308, 0, 0],
  ['🔔', -262570431, 5, 2],
];

describe('murmur2', () => {
  it.each(java)('hashes %j as the Java producer does', (...[key, hash, of12, of15]) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
    expect(partitionOf(Buffer.from(key), 12)).toBe(of12);
    expect(partitionOf(Buffer.from(key), 15)).toBe(of15);
  });

  it('takes bytes over 127 as Java takes its signed ones', () => {
    expect(murmur2(Buffer.from([0xff, 0x80, 0xfe, 0x81, 0xff, 0xff, 0xff]))).toBe(-410827359);
  });
});
