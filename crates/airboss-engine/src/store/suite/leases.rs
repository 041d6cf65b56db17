//! Claims on names.

use super::*;

for_every_store! {
    leases_are_granted_kept_lost_and_never_reuse_an_epoch
}

fn leases_are_granted_kept_lost_and_never_reuse_an_epoch(bench: &Bench) {
    let mut store = bench.open();
    let mut other = bench.open();
    let process = |pid| ProcessIdentity {
        pid,
        start_ticks: 7,
        boot_id: "boot".to_owned(),
    };
    let key = LeaseKey::new("run:plans/one.md");
    let ttl = Duration::from_secs(10);
    let granted = |epoch| Claim::Granted { epoch };
    assert_eq!(store.claim(&key, &process(1), ttl).unwrap(), granted(1));
    let Claim::Held { lease } = other.claim(&key, &process(2), ttl).unwrap() else {
        panic!("granted twice");
    };
    assert_eq!((lease.epoch, lease.holder.pid), (1, 1));
    bench.pass(9);
    assert!(store.heartbeat(&key, 1, 5).unwrap());
    bench.pass(9);
    assert!(store.heartbeat(&key, 1, 5).unwrap());
    let lease = &other.leases().unwrap()[0];
    assert_eq!(lease.progress, 5);
    let silence = Duration::from_secs(9);
    assert_eq!(
        lease.beat_at.since(lease.progress_at),
        silence,
        "alive, but not getting on"
    );
    assert_eq!(other.expired(other.now()).unwrap(), []);
    bench.pass(10);
    assert_eq!(other.expired(other.now()).unwrap().len(), 1);
    assert_eq!(other.claim(&key, &process(2), ttl).unwrap(), granted(2));
    assert!(
        !store.heartbeat(&key, 1, 6).unwrap(),
        "the late holder is told"
    );
    assert!(!store.release(&key, 1).unwrap());
    assert!(other.release(&key, 2).unwrap());
    assert!(!other.release(&key, 2).unwrap());
    assert_eq!(store.leases().unwrap(), []);
    assert_eq!(store.claim(&key, &process(1), ttl).unwrap(), granted(3));
    assert!(!store.heartbeat(&LeaseKey::new("none"), 1, 0).unwrap());
    assert_eq!(
        store.sequence().unwrap(),
        0,
        "heartbeats are not operations"
    );
}
