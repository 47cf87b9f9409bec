# The controller: API, conductor and boot services in one image (docker-compose.yml runs it).
FROM node:20-bookworm AS build
WORKDIR /opt/dodai
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
# The JSON schema of cloud-config comes from there.
COPY tools/unpack-cloud-init.sh tools/
RUN tools/unpack-cloud-init.sh
COPY tsconfig.json vitest.config.ts ./
COPY tools/generate-prisma.mjs tools/
COPY prisma prisma
COPY templates templates
COPY libs libs
COPY apps apps
COPY test test
RUN npm run build && npm prune --omit=dev

FROM node:20-bookworm-slim
# What the controller runs: ipmitool for BMCs, dnsmasq for DHCP, the loaders that machines fetch over TFTP, what
# unpacks images, what checks answer files, and what writes config drives.
RUN apt-get update \
  && apt-get install -y --no-install-recommends ipmitool dnsmasq-base nginx-light pxelinux syslinux-common zstd xz-utils bzip2 \
    qemu-utils qemu-block-extra gpgv e2fsprogs grub-common tar iproute2 debconf libxml2-utils xorriso dosfstools mtools \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/dodai
COPY --from=build /opt/dodai/package.json ./
COPY --from=build /opt/dodai/node_modules node_modules
COPY --from=build /opt/dodai/dist dist
COPY prisma prisma
COPY templates templates
RUN ln -s /opt/dodai/dist/apps/cli/src/main.js /usr/local/bin/dodai
ENV NODE_ENV=production DODAI_DATA_DIR=/var/lib/dodai DODAI_LIVE_IMAGE_DIR=/var/lib/dodai-live-image
VOLUME /var/lib/dodai
EXPOSE 7071/tcp 7073/tcp 69/udp
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7071/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/apps/controller/src/main.js"]
