import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Tests run on Node's own module loader: Vite's would load graphql a second time, in another realm. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    experimental: { viteModuleRunner: false },
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
export default config;
