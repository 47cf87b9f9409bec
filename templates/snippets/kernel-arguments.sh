# The kernel arguments of the instance type for an OS that came with a boot loader of its own. Needs KERNEL_ARGUMENTS (empty: it keeps
# what it has), boot-loader.sh and installed-os.sh.

set_kernel_arguments() {
  [[ $KERNEL_ARGUMENTS ]] || return 0
  bind_system_directories
  if has_program grubby; then
    in_target grubby --update-kernel=ALL --args="$KERNEL_ARGUMENTS"
  elif has_program update-grub; then
    put_file /etc/default/grub.d/99-dodai.cfg 644 <<CFG
# What the instance type has for every kernel.
GRUB_CMDLINE_LINUX="\$GRUB_CMDLINE_LINUX $KERNEL_ARGUMENTS"
CFG
    hide_udevadm
    in_target update-grub
  else
    fail "image $IMAGE_ID has neither grubby nor update-grub, and so nothing to set the kernel arguments of the instance type with: leave them out, or use another image"
  fi
}
