/*
 * broker_template -- broker-config/mosquitto as built into the hub: both
 * texts end with a NUL.
 */
#ifndef CB_BROKER_TEMPLATE_H
#define CB_BROKER_TEMPLATE_H

extern const unsigned char broker_template_conf[];
extern const unsigned char broker_template_acl[];

#endif
