import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'

// `npm run test:slow` runs the same tests with larger numbers.
const slow = process.env['CARREL_SLOW'] === '1'

export default defineConfig(async () => ({
  test: {
    silent: 'passed-only' as const,
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: {
                TEST_MIGRATIONS: await readD1Migrations('./migrations'),
                SLOW: slow,
                OPERATOR_KEY: 'op_only-for-tests-0123456789abcdefghijklmnop',
                TOKEN_KEYS: '1:dGVzdC1vbmx5LXRva2VuLXNpZ25pbmcta2V5LTAwMDE',
                S3_ACCESS_KEY_ID: 'local',
                S3_SECRET_ACCESS_KEY: 'local-only-not-a-secret',
              },
            },
          }),
        ],
        test: {
          name: 'worker',
          include: ['test/{domain,storage,http,api,pages,jobs}/**/*.test.{ts,tsx}'],
          setupFiles: ['./test/support/setup.ts'],
          testTimeout: slow ? 600_000 : 20_000,
        },
      },
      {
        test: {
          name: 'node',
          include: ['test/{e2e,local,house}/**/*.test.ts'],
          testTimeout: slow ? 600_000 : 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
}))
