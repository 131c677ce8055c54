"""What a benchmark is: tests, in each of which several peers do the same.

In every repetition each peer runs once, in an order that is turned by one each time. A ratio is the
median over the repetitions of the ratios within one, so that load from elsewhere, which comes and
goes, weighs on both sides of it.
"""
import statistics


class Test:
    """One question. <peers>: {name: callable -> ({metric: number} or None, why not)}."""

    def __init__(self, name, peers, metric, limit, more_is_better=False):
        self.name = name
        self.peers = peers
        self.metric = metric                # what the peers are ranked by
        self.limit = limit                  # the peer that comes nearest to what is possible
        self.more_is_better = more_is_better
        self.samples = {}                   # {peer: {repetition: {metric: number}}}

    def sample(self, repetition, say):
        names = list(self.peers)
        turn = repetition % len(names) if names else 0
        for name in names[turn:] + names[:turn]:
            found, why = self.peers[name]()
            if found is None:
                say("%s, %s: no sample (%s)" % (self.name, name, why))
                continue
            if found.get("errors"):
                say("%s, %s: %d errors" % (self.name, name, found["errors"]))
            self.samples.setdefault(name, {})[repetition] = found

    def metrics(self):
        found = {}
        for samples in self.samples.values():
            for sample in samples.values():
                found.update(dict.fromkeys(sample))
        first = [self.metric] if self.metric in found else []
        return first + [metric for metric in found if metric != self.metric]

    def values(self, peer, metric):
        return [sample[metric] for sample in self.samples.get(peer, {}).values() if metric in sample]

    def median(self, peer, metric):
        values = self.values(peer, metric)
        return statistics.median(values) if values else None

    def ratio(self, peer, other, metric):
        """<peer> over <other>, repetition by repetition; None when they have none in common."""
        mine, theirs = self.samples.get(peer, {}), self.samples.get(other, {})
        ratios = [mine[i][metric] / theirs[i][metric] for i in mine
                  if i in theirs and metric in mine[i] and theirs[i].get(metric)]
        return statistics.median(ratios) if ratios else None

    def ranked(self):
        """The peers that have figures, the best first."""
        names = [name for name in self.samples if self.values(name, self.metric)]
        return sorted(names, key=lambda name: self.median(name, self.metric),
                      reverse=self.more_is_better)
