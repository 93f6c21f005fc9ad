-- Nothing asks for locked payouts by themselves: what is due is found by its own index, which holds them from their day on.
drop index apportion.payout_locked;
