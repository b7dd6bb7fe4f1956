# exit 100

kernel.x86_64                  5.14.0-427.13.1.el9_4           baseos   
openssl-libs.x86_64            1:3.0.7-27.el9                  baseos   
vim-minimal.x86_64             2:8.2.2637-20.el9_1             appstream
Obsoleting Packages
grub2-tools.x86_64             1:2.06-77.el9                   baseos   
    grub2-tools.x86_64         1:2.06-70.el9_3.1               @anaconda
