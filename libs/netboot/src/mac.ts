/** `aa:bb:cc:dd:ee:ff`, lower case: how MAC addresses are written everywhere inside. */
export type Mac = string;

const HEX_PAIR = '[0-9a-fA-F]{2}';

/** The MAC of `01-aa-bb-cc-dd-ee-ff` (01: Ethernet), how pxelinux asks for its configuration; null for anything else. */
export function macOfPxelinuxName(name: string): Mac | null {
  return new RegExp(`^01(-${HEX_PAIR}){6}$`).test(name)
    ? unicastMac(name.slice(3).replaceAll('-', ':'))
    : null;
}

/** The MAC as a DHCP server logs it; null for what is no Ethernet address of a machine. */
export function macOfText(text: string): Mac | null {
  return new RegExp(`^${HEX_PAIR}(:${HEX_PAIR}){5}$`).test(text) ? unicastMac(text) : null;
}

/** Group addresses (the lowest bit of the first byte) and zero belong to no machine. */
function unicastMac(text: string): Mac | null {
  const mac = text.toLowerCase();
  const isGroup = (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
  return isGroup || mac === '00:00:00:00:00:00' ? null : mac;
}
