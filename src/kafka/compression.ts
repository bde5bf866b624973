import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { decompressLz4 } from './lz4.ts';
import { decompressSnappy } from './snappy.ts';

/** What a batch may grow to: a small batch that announces more is an attack or damage. */
const maxDecompressedBytes = 128 * 2 ** 20;

/** Kafka's codecs by their number in a batch's attributes. */
export const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** The records of a batch, decompressed by the codec that its attributes name. Throws on an unknown codec, on damage and beyond 128 MiB. */
export const decompress = (codec: number, data: Buffer): Buffer => {
  switch (codecNames[codec]) {
    case 'none':
      return data;
    case 'gzip':
      return gunzipSync(data, { maxOutputLength: maxDecompressedBytes });
    case 'snappy':
      return decompressSnappy(data, maxDecompressedBytes);
    case 'lz4':
      return decompressLz4(data, maxDecompressedBytes);
    case 'zstd':
      return zstdDecompressSync(data, { maxOutputLength: maxDecompressedBytes });
    default:
      throw new RangeError(`compression codec ${codec} is not known`);
  }
};
