import { readRepositoryFile, repositoryFiles } from './source-files';

interface PackageJson {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
}

describe('the package', () => {
    it('pins every dependency to an exact version', () => {
        const { dependencies, devDependencies } = JSON.parse(readRepositoryFile('package.json')) as PackageJson;
        const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
            ([, version]) => !/^\d+\.\d+\.\d+/.test(version),
        );
        expect(loose).toEqual([]);
    });

    it('keeps attestation vectors of others out of the repository', () => {
        expect(repositoryFiles().filter((file) => /\.quote\.bin$|\.collateral\.json$/.test(file))).toEqual([]);
    });

    it('commits no key files', () => {
        expect(repositoryFiles().filter((file) => /\.(key|pem|seed)$/.test(file))).toEqual([]);
    });
});
