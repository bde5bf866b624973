import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createClientAddress, networkOf } from '../../src/graphql/client-address.ts';

const from = (remoteAddress: string, forwarded?: string): Pick<IncomingMessage, 'headers' | 'socket'> =>
  ({
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    socket: { remoteAddress },
  }) as unknown as Pick<IncomingMessage, 'headers' | 'socket'>;

const addressOf = createClientAddress(['10.0.0.0/8', '192.168.1.5', 'fd00::/8']);

describe('the address of a client', () => {
  it.each([
    ['the peer, where it is no trusted proxy', '203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['the peer, where nothing was forwarded', '10.1.2.3', undefined, '10.1.2.3'],
    ['who the proxy says', '10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['who the proxy says over a dual-stack socket', '::ffff:10.1.2.3', '198.51.100.7', '198.51.100.7'],
    ['who the proxy says over IPv6', 'fd00::1', '2001:db8::7', '2001:db8::7'],
    ['the last that is not trusted', '10.1.2.3', '198.51.100.7, 192.168.1.5, 10.9.9.9', '198.51.100.7'],
    ['not what the client made up before it', '10.1.2.3', '6.6.6.6, 198.51.100.7', '198.51.100.7'],
    ['the first, where all are trusted', '10.1.2.3', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['without its port', '10.1.2.3', '198.51.100.7:4711', '198.51.100.7'],
    ['without its brackets and port', '10.1.2.3', '[2001:db8::7]:4711', '2001:db8::7'],
    ['the one that wrote what is no address', '10.1.2.3', '198.51.100.7, unknown', '10.1.2.3'],
    ['the one that wrote nothing', '10.1.2.3', '', '10.1.2.3'],
    ['nobody, once the connection is gone', '', '198.51.100.7', ''],
  ])('is %s', (...[, peer, forwarded, expected]) => {
    expect(addressOf(from(peer, forwarded))).toBe(expected);
  });

  it('is the peer, whatever was forwarded, where no proxy is trusted', () => {
    expect(createClientAddress([])(from('::ffff:10.1.2.3', '1.2.3.4'))).toBe('10.1.2.3');
  });
});

describe('the network of an address', () => {
  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('of %s is %s', (address, expected) => {
    expect(networkOf(address)).toBe(expected);
  });
});
