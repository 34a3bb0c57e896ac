import type { TcbStatus } from '../../../keepers/attestation/parse/signed-json';
import { judge, onPlatform, sgx, tdx } from './development-evidence';

function svn(...bytes: number[]): Buffer {
    return Buffer.concat([Buffer.from(bytes), Buffer.alloc(16 - bytes.length)]);
}

const latest = svn(0x0b, 1, 4);
/** Module version 1, minor version 4: a level that Intel calls out of date. */
const outdatedModule = svn(4, 1, 4);

describe('status of a platform', () => {
    // platform, module, quoting enclave -> Intel's word for the whole
    const merges: [TcbStatus, TcbStatus, TcbStatus, string][] = [
        ['UpToDate', 'UpToDate', 'UpToDate', 'UpToDate'],
        ['SWHardeningNeeded', 'UpToDate', 'UpToDate', 'SWHardeningNeeded'],
        ['ConfigurationNeeded', 'UpToDate', 'UpToDate', 'ConfigurationNeeded'],
        ['ConfigurationAndSWHardeningNeeded', 'UpToDate', 'UpToDate', 'ConfigurationAndSWHardeningNeeded'],
        ['OutOfDate', 'UpToDate', 'UpToDate', 'OutOfDate'],
        ['OutOfDateConfigurationNeeded', 'UpToDate', 'UpToDate', 'OutOfDateConfigurationNeeded'],
        ['Revoked', 'UpToDate', 'UpToDate', 'Revoked'],
        ['UpToDate', 'OutOfDate', 'UpToDate', 'OutOfDate'],
        ['SWHardeningNeeded', 'OutOfDate', 'UpToDate', 'OutOfDate'],
        ['ConfigurationNeeded', 'OutOfDate', 'UpToDate', 'OutOfDateConfigurationNeeded'],
        ['ConfigurationAndSWHardeningNeeded', 'UpToDate', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
        ['OutOfDateConfigurationNeeded', 'OutOfDate', 'OutOfDate', 'OutOfDateConfigurationNeeded'],
        ['UpToDate', 'UpToDate', 'OutOfDate', 'OutOfDate'],
        ['UpToDate', 'Revoked', 'UpToDate', 'Revoked'],
        ['UpToDate', 'UpToDate', 'Revoked', 'Revoked'],
        ['OutOfDate', 'OutOfDate', 'Revoked', 'Revoked'],
    ];

    it.each(merges)('platform %s, module %s, enclave %s: %s', (platformStatus, moduleStatus, qeStatus, expected) => {
        const verdict = judge(tdx({ collateral: { platformStatus, moduleStatus, qeStatus } }));
        const good = expected === 'UpToDate' || expected === 'SWHardeningNeeded';
        expect(verdict.status).toBe(expected);
        expect(verdict.verdict).toBe(good ? 'accepted' : 'rejected');
        expect(verdict.failedCheck).toBe(good ? null : expected === 'Revoked' ? 'tcb_revoked' : 'policy_status');
    });

    it('accepts what a policy accepts, but never a revoked platform', () => {
        const policy = { statuses: ['OutOfDate', 'Revoked'] as TcbStatus[] };
        expect(judge(tdx({ collateral: { platformStatus: 'OutOfDate' } }), { policy }).verdict).toBe('accepted');
        expect(judge(tdx({ collateral: { platformStatus: 'Revoked' } }), { policy }).failedCheck).toBe('tcb_revoked');
    });

    it('takes the lower level, its advisories and its date on an older machine', () => {
        const verdict = judge(onPlatform({ facts: { components: [2, 2, 2, 2, 3, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0] } }));
        expect(verdict).toMatchObject({
            status: 'OutOfDate',
            advisoryIds: ['INTEL-SA-01036', 'INTEL-SA-01099'],
            tcbDate: '2023-08-09T00:00:00Z',
        });
    });

    it('compares every SGX component and the PCE version', () => {
        const level = [3, 3, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0];
        expect(judge(onPlatform({ facts: { components: level, pceSvn: 13 } })).status).toBe('UpToDate');
        for (const i of [0, 1, 4]) {
            const components = level.map((svnValue, k) => (k === i ? svnValue - 1 : svnValue));
            expect(judge(onPlatform({ facts: { components } })).status).toBe('OutOfDate');
        }
        expect(judge(onPlatform({ facts: { pceSvn: 12 } })).status).toBe('OutOfDate');
    });

    it('leaves the first two TDX components to the module from its version 1 on', () => {
        // Component 0 is below the level's 5: verifiers that compare it call this machine out of date.
        const collateral = {
            changeTcbInfo: (info: { tcbLevels: { tcb: { tdxtcbcomponents?: { svn: number }[] } }[] }) => {
                info.tcbLevels[0]!.tcb.tdxtcbcomponents![0]!.svn = 12;
            },
        };
        expect(judge(tdx({ teeTcbSvn: latest, collateral })).status).toBe('UpToDate');
        expect(judge(tdx({ teeTcbSvn: svn(5, 0, 4), collateral })).status).toBe('OutOfDate');
        expect(judge(tdx({ teeTcbSvn: svn(12, 0, 4), collateral })).status).toBe('UpToDate');
    });

    it('compares TDX components from the third on', () => {
        expect(judge(tdx({ teeTcbSvn: svn(0x0b, 1, 2) })).status).toBe('OutOfDate');
        expect(judge(tdx({ teeTcbSvn: svn(0x0b, 1, 1) })).failedCheck).toBe('tcb_level');
    });

    it('takes the module level from its minor version', () => {
        expect(judge(tdx({ teeTcbSvn: outdatedModule }))).toMatchObject({
            status: 'OutOfDate',
            advisoryIds: ['INTEL-SA-01036', 'INTEL-SA-01099'],
        });
    });

    it('needs a TDX module description for a module of version 0', () => {
        const collateral = { changeTcbInfo: (info: object) => ({ ...info, tdxModule: undefined }) };
        expect(judge(tdx({ teeTcbSvn: svn(5, 0, 4), collateral })).failedCheck).toBe('tdx_module_identity');
    });

    it('matches no level without TDX components', () => {
        const collateral = {
            changeTcbInfo: (info: { tcbLevels: { tcb: { tdxtcbcomponents?: unknown } }[] }) => {
                info.tcbLevels.forEach(({ tcb }) => delete tcb.tdxtcbcomponents);
            },
        };
        expect(judge(tdx({ collateral })).failedCheck).toBe('tcb_level');
    });

    it('needs no TDX components for SGX', () => {
        expect(judge(sgx({ collateral: { platformStatus: 'ConfigurationNeeded' } })).status).toBe(
            'ConfigurationNeeded',
        );
        expect(judge(sgx({ collateral: { qeStatus: 'OutOfDate' } })).status).toBe('OutOfDate');
    });
});

describe('TD 1.5, launched under one module and running under another', () => {
    const launchedUnder = (teeTcbSvn: Buffer, platformStatus: TcbStatus = 'UpToDate', teeTcbSvn2 = latest) =>
        judge(tdx({ version: 5, teeTcbSvn, teeTcbSvn2, collateral: { platformStatus } }));

    it.each([
        ['current then and now', launchedUnder(latest), 'UpToDate'],
        ['outdated at launch', launchedUnder(outdatedModule), 'TDRelaunchAdvised'],
        [
            'outdated at launch, to be configured',
            launchedUnder(outdatedModule, 'ConfigurationNeeded'),
            'TDRelaunchAdvisedConfigurationNeeded',
        ],
        ['outdated then and now', launchedUnder(outdatedModule, 'UpToDate', outdatedModule), 'OutOfDate'],
        ['current at launch, outdated now', launchedUnder(latest, 'UpToDate', outdatedModule), 'OutOfDate'],
    ])('%s: %3$s', (_, verdict, status) => {
        expect(verdict.status).toBe(status);
        expect(verdict.verdict).toBe(status === 'UpToDate' ? 'accepted' : 'rejected');
    });

    it('is judged by both sets in the extended body too', () => {
        const verdict = judge(tdx({ version: 5, bodyType: 4, teeTcbSvn: outdatedModule, teeTcbSvn2: latest }));
        expect(verdict.status).toBe('TDRelaunchAdvised');
    });
});
