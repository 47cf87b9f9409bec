/** What a file of the owner is called in `openstack/content`. */
export const contentName = (index: number): string => String(index).padStart(4, '0');
