import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSafeUrl } from '../../../src/graphql/schema/template.ts';
import { schemaWith } from './sdl-folder.ts';

const { content, publishInput } = schemaWith(`
  type Path @event(type: "path", title: "{a} and {n}", body: "{a}{flag}{kind}", url: "/orders/{a}?q={n}") {
    a: String!  n: Int!  flag: Boolean!  kind: Kind!
  }
  enum Kind { A B }
  type Bare @event(type: "bare", title: "{a}", url: "/{a}/{b}") { a: String!  b: String! }
  type Whole @event(type: "whole", title: "t", body: "{note}", url: "{link}") { note: String  link: String }
  type Host @event(type: "host", title: "t", url: "https://acme.example/{a}") { a: String! }
  type Plain @event(type: "plain", title: "No {a}, no brace" ) { a: BigInt! }
`);

const displayOf = (type: string, value: Record<string, unknown>) => {
  const result = content.read(type, value);
  if (!result.ok) throw new Error(result.detail);
  return result.display;
};

describe('templates', () => {
  it('put fields into text as they are', () => {
    expect(displayOf('path', { a: '<b>{n}</b>', n: -3, flag: true, kind: 'B' })).toMatchObject({
      title: '<b>{n}</b> and -3',
      body: '<b>{n}</b>trueB',
    });
    expect(displayOf('plain', { a: '9007199254740993' }).title).toBe('No 9007199254740993, no brace');
  });

  it('percent-encode fields in a url, so that a value stays one part of it', () => {
    expect(displayOf('path', { a: '../x?y#z&/ü', n: 1, flag: false, kind: 'A' }).url).toBe(
      '/orders/..%2Fx%3Fy%23z%26%2F%C3%BC?q=1',
    );
    expect(displayOf('host', { a: '@evil.example' }).url).toBe('https://acme.example/%40evil.example');
  });

  it('survive half a surrogate pair', () => {
    expect(displayOf('path', { a: '\ud800', n: 1, flag: false, kind: 'A' })).toMatchObject({
      title: '\ufffd and 1',
      url: '/orders/%EF%BF%BD?q=1',
    });
  });

  it('are null where their only field is', () => {
    expect(displayOf('whole', {})).toEqual({ title: 't', body: null, url: null });
    expect(displayOf('whole', { note: '', link: '' })).toEqual({ title: 't', body: '', url: null });
  });

  it('pass a url on unencoded where it is the only field', () => {
    expect(displayOf('whole', { link: '/a?b=c#d' }).url).toBe('/a?b=c#d');
    expect(displayOf('whole', { link: 'https://acme.example/ü' }).url).toBe('https://acme.example/ü');
  });
});

describe('links that lead elsewhere', () => {
  const evil = ['//evil.example', '/\\evil.example', '\\\\evil.example', 'javascript:alert(1)', ' javascript:alert(1)'];
  const more = [
    'java\tscript:alert(1)',
    'http://acme.example',
    'data:text/html,x',
    '/\t/evil.example',
    'https://',
    'mailto:a@b',
  ];

  it.each([...evil, ...more])('are null in an event from the log: %j', (link) => {
    expect(displayOf('whole', { link }).url).toBeNull();
  });

  it.each([...evil, ...more])('are refused in a mutation, naming the field: %j', (link) => {
    expect(publishInput({ whole: { link } })).toEqual({
      ok: false,
      field: ['content', 'whole', 'link'],
      message: expect.stringContaining('content.whole.link makes a link that leaves the site'),
    });
  });

  it('cannot be made of empty parts', () => {
    expect(displayOf('bare', { a: '', b: 'evil.example' }).url).toBeNull();
    expect(publishInput({ bare: { a: '', b: 'evil.example' } })).toMatchObject({
      ok: false,
      field: ['content', 'bare'],
    });
    expect(displayOf('bare', { a: 'x', b: 'y' }).url).toBe('/x/y');
  });

  it('cannot be made of any values of a template with a literal path: the short way judges as the long one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: -1000, max: 1000 }), (a, n) => {
        const { url } = displayOf('path', { a, n, flag: true, kind: 'A' });
        expect(url !== null && isSafeUrl(url)).toBe(true);
      }),
    );
  });
});
