/**
 * Every version of its metadata that nova brought out, and `latest`. cloud-init reads the newest of those that it knows (up to
 * 2018-08-27) before it looks into `latest`: one that lacked something would hide it.
 */
export const openStackVersions = [
  '2012-08-10',
  '2013-04-04',
  '2013-10-17',
  '2015-10-15',
  '2016-06-30',
  '2016-10-06',
  '2017-02-22',
  '2018-08-27',
  '2020-10-14',
  'latest',
] as const;
export type OpenStackVersion = (typeof openStackVersions)[number];

export const since = (first: OpenStackVersion, version: OpenStackVersion): boolean =>
  openStackVersions.indexOf(version) >= openStackVersions.indexOf(first);
