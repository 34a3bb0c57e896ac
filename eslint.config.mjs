import tseslint from 'typescript-eslint';

export default tseslint.config(
    { ignores: ['build/', 'dist/', 'coverage/', 'node_modules/', '.cache/', '.cocoon/', '**/*.cjs'] },
    ...tseslint.configs.recommendedTypeChecked,
    {
        languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['*.mjs'] } } },
        rules: {
            '@typescript-eslint/no-floating-promises': 'error',
            '@typescript-eslint/no-explicit-any': 'error',
            '@typescript-eslint/require-await': 'off',
            '@typescript-eslint/restrict-template-expressions': [
                'error',
                {
                    allowNumber: true,
                    allowBoolean: true,
                    allow: [
                        { from: 'lib', name: 'Error' },
                        { from: 'package', package: '@ton/core', name: 'Address' },
                    ],
                },
            ],
            'no-console': 'error',
        },
    },
    { files: ['scripts/**', 'keepers/cli/**'], rules: { 'no-console': 'off' } },
    // Commands load their modules when they run, so that a gateway needs no engine and --help needs nothing.
    { files: ['keepers/cli/*-commands.ts'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
    { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
