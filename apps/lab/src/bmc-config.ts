import { machineFiles } from './machine-files.js';
import type { MachinePlan } from './plan.js';

/**
 * ipmi_sim's configuration. Power, reset and boot device go to chassis.sh (`chassis_control`) and not through
 * ipmi_sim's own `startcmd`, which refuses `chassis bootdev` and forgets a running machine when it is restarted.
 */
export function bmcConfig(machine: MachinePlan, chassisScript: string): string {
  const { host, port, user, password } = machine.bmc;
  return `name "${machine.name}"
set_working_mc 0x20
  startlan 1
    addr ${host} ${port}
    priv_limit admin
    allowed_auths_callback md5
    allowed_auths_user md5
    allowed_auths_operator md5
    allowed_auths_admin md5
    guid ${machine.uuid.replaceAll('-', '')}
  endlan
  chassis_control "${chassisScript} ${machine.dir}"
  sol "tcp:127.0.0.1:${machine.solPort}" 115200 nortscts
  user 1 false "" "disabled" user 1 md5
  user 2 true "${user}" "${password}" admin 10 md5
`;
}

/** Creates the management controller itself: address 0x20, IPMI 2.0, a chassis device with SEL and SDR. */
export function bmcCommands(): string {
  return `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
mc_enable 0x20
`;
}

/** Arguments of ipmi_sim; `-n` keeps it off standard input and output. */
export function bmcArguments(machine: MachinePlan): string[] {
  const files = machineFiles(machine);
  return ['-c', files.bmcConfig, '-f', files.bmcCommands, '-s', files.bmcState, '-n'];
}
