import type { PlatformFacts } from '../parse/sgx-extension';
import type { PlatformTcbLevel, TcbInfo } from '../parse/signed-json';
import { CheckFailure } from './check-codes';
import type { SvnSet } from './tdx-module';

/**
 * Step 12: the first level, in Intel's order, that the platform reaches. From module version 1 on the first two TDX
 * components (the module's own version) are left to the module's identity; comparing them too, as other verifiers do,
 * calls machines outdated that are not.
 */
export function matchPlatformLevel(
    info: TcbInfo,
    platform: PlatformFacts,
    teeTcbSvn: Buffer | null,
    set: SvnSet,
): PlatformTcbLevel {
    const level = info.tcbLevels.find(({ tcb }) => {
        const sgxReached = tcb.sgxtcbcomponents.every(({ svn }, i) => platform.components[i]! >= svn);
        const reached = sgxReached && platform.pceSvn >= tcb.pcesvn;
        return reached && (teeTcbSvn === null || reachesTdx(teeTcbSvn, tcb.tdxtcbcomponents));
    });
    if (level === undefined) {
        const code = set === 'launch' ? 'tcb_level' : 'current_tcb_level';
        throw new CheckFailure(code, 'the platform is older than any level of the TCB info: update its firmware');
    }
    return level;
}

function reachesTdx(teeTcbSvn: Buffer, components: { svn: number }[] | undefined): boolean {
    const from = teeTcbSvn[1]! > 0 ? 2 : 0;
    return components !== undefined && components.every(({ svn }, i) => i < from || teeTcbSvn[i]! >= svn);
}
