/**
 * Text as its UTF-8 bytes, one character each (U+0000 to U+00FF): what Node writes fastest, with `'latin1'`, and what is made once where a text goes
 * to many. ASCII is the same in both forms.
 */

declare const brand: unique symbol;

/** Never to be shown or measured as text: `length` is bytes. Joining two of them, or one with ASCII, gives another. */
export type WireText = string & { readonly [brand]: 'WireText' };

/** Encodes well-formed text; lone surrogates become U+FFFD. JSON that `JSON.stringify` made has none. */
export const toWire = (text: string): WireText =>
  (Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')) as WireText;

/** The text again. */
export const fromWire = (wire: WireText): string =>
  Buffer.byteLength(wire) === wire.length ? wire : Buffer.from(wire, 'latin1').toString('utf8');
