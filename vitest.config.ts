import { defineConfig, type ViteUserConfig } from 'vitest/config';

/**
 * Tests run on Node's own module loader: Vite's would load graphql a second time, in another realm. Two workers, since the tests
 * start gateways, brokers and browsers of their own.
 */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    experimental: { viteModuleRunner: false },
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['test/support/kafka-global.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
export default config;
