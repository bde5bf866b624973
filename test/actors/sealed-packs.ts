import { vi } from 'vitest';
import { RecordPack } from '../../src/actors/record-pack.ts';

/** A pack that was sealed: how many records it had then, and whether anybody holds it. */
export type SealedPack = { readonly size: number; readonly ref: WeakRef<RecordPack> };

/** Notes each pack that is sealed from now on, until mocks are restored. */
export const watchSealedPacks = (): readonly SealedPack[] => {
  const packs: SealedPack[] = [];
  const { seal } = RecordPack.prototype;
  const spy = vi.spyOn(RecordPack.prototype, 'seal').mockImplementation(function (this: RecordPack) {
    packs.push({ size: this.size, ref: new WeakRef(this) });
    seal.call(this);
    spy.mockClear(); // It would remember whose it was.
  });
  return packs;
};
