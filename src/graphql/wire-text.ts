declare const brand: unique symbol;

/**
 * Text as it goes out: each character is one byte of its UTF-8 form, so that its length is its size and the kernel gets it without another look at it.
 * Pure ASCII is the same in both forms.
 */
export type WireText = string & { readonly [brand]: 'WireText' };

/** The wire form of well-formed text. */
export const toWire = (text: string): WireText =>
  (/[^ -~]/.test(text) ? Buffer.from(text).toString('latin1') : text) as WireText;
